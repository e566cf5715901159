import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

import { renderPart } from "@/test-render";

import { BulkBar } from "./BulkBar";
import type { Run } from "./queries";

const run = (id: number, may: Run["may"]) => ({ id, name: `run ${id}`, may }) as Run;
const props = { isBusy: false, matching: 3, answer: null, onAll: vi.fn(), onAct: vi.fn(), onClear: vi.fn(), nameOf: (id: number) => `run ${id}` };

test("nothing selected and nothing answered shows nothing", async () => {
  await renderPart(<BulkBar {...props} chosen={[]} />);
  expect(screen.queryByLabelText("Selected runs")).toBeNull();
});

test("each action says for how many of the runs the server allows it", async () => {
  const onAct = vi.fn();
  await renderPart(<BulkBar {...props} onAct={onAct} chosen={[run(1, ["stop"]), run(2, ["stop"]), run(3, ["archive"])]} />);
  expect(screen.getByText("3 runs selected")).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Restore" })).toBeDisabled();
  await userEvent.click(screen.getByRole("button", { name: "Stop 2" }));
  expect(onAct).toHaveBeenCalledWith("stop", [1, 2, 3]);
});

test("what was refused stands there with the server's reason", async () => {
  const said = { done: [1], refused: [{ id: 3, reason: "It has ended already." }] };
  await renderPart(<BulkBar {...props} chosen={[]} answer={{ action: "stop", said }} />);
  expect(screen.getByText(/1 run asked to stop, 1 refused/)).toBeInTheDocument();
  expect(screen.getByText(/It has ended already/)).toHaveTextContent("run 3");
});

test("one page selected offers all that the filters let through, as far as one request goes", async () => {
  const onAll = vi.fn();
  await renderPart(<BulkBar {...props} chosen={[run(1, [])]} matching={1009} onAll={onAll} />);
  await userEvent.click(screen.getByRole("button", { name: /Select the first 1.000 of 1.009/ }));
  expect(onAll).toHaveBeenCalledOnce();
});

test("everything selected offers no more", async () => {
  await renderPart(<BulkBar {...props} chosen={[run(1, []), run(2, [])]} matching={2} />);
  expect(screen.queryByRole("button", { name: /^Select/ })).toBeNull();
});

test("what was archived comes back by one click", async () => {
  const onAct = vi.fn();
  await renderPart(<BulkBar {...props} onAct={onAct} chosen={[]} answer={{ action: "archive", said: { done: [4, 5], refused: [] } }} />);
  await userEvent.click(screen.getByRole("button", { name: "Undo" }));
  expect(onAct).toHaveBeenCalledWith("restore", [4, 5]);
});
