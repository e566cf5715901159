import { MantineProvider } from "@mantine/core";
import { ModalsProvider } from "@mantine/modals";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

import { RunActions } from "./actions";
import type { RunAction } from "./queries";

function show(may: RunAction[]) {
  const onAction = vi.fn();
  render(
    <MantineProvider>
      <ModalsProvider>
        <RunActions run={{ may, name: "SCE seed 1" }} isBusy={false} onAction={onAction} />
      </ModalsProvider>
    </MantineProvider>,
  );
  return onAction;
}

test("what the server does not allow is not offered", () => {
  show(["clone"]);
  expect(screen.getAllByRole("button").map((button) => button.textContent)).toEqual(["Clone"]);
});

test("what the server allows is done when it is clicked", async () => {
  const onAction = show(["resume", "clone"]);
  await userEvent.click(screen.getByRole("button", { name: "Resume" }));
  expect(onAction).toHaveBeenCalledWith("resume");
});

test("stopping is asked about first", async () => {
  const onAction = show(["stop"]);
  await userEvent.click(screen.getByRole("button", { name: "Stop" }));
  expect(await screen.findByText("Stop SCE seed 1?")).toBeInTheDocument();
  expect(onAction).not.toHaveBeenCalled();
});

test("nothing is offered when nothing may be done", () => {
  show([]);
  expect(screen.queryByRole("button")).toBeNull();
});
