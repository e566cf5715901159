import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

import { renderPart } from "@/test-render";

import { Limits } from "./Limits";
import type { Limit } from "./queries";

const OF_ADA: Limit = { id: 4, user: "ada", experiment: null, runs: 2, devices: null, used_runs: 1, used_devices: 3 };
const OF_EXPERIMENT: Limit = { ...OF_ADA, id: 5, user: null, experiment: { id: 9, name: "temperatures" }, runs: null, devices: 8 };

async function show({ limits = [] as Limit[], maySet = true, error = null as Error | null } = {}) {
  const asked = { onSet: vi.fn(), onLift: vi.fn(), onOpen: vi.fn() };
  await renderPart(<Limits known={{ limits, users: ["ada", "grace"] }} experiments={["temperatures"]} maySet={maySet} isBusy={false} error={error} {...asked} />);
  return asked;
}

async function open() {
  await userEvent.click(screen.getByRole("button", { name: "New limit" }));
  return within(await screen.findByRole("dialog"));
}

async function choose(label: string, option: string) {
  await userEvent.click(screen.getByRole("combobox", { name: label }));
  await userEvent.click(await screen.findByRole("option", { name: option }));
}

test("a user's limit is asked for with what was typed, and with nothing where nothing was", async () => {
  const { onSet, onOpen } = await show();
  const form = await open();
  expect(onOpen).toHaveBeenCalledOnce();
  expect(form.getByRole("button", { name: "Set the limit" })).toBeDisabled();
  await choose("User", "grace");
  await userEvent.type(form.getByRole("textbox", { name: "Runs at a time" }), "4");
  await userEvent.click(form.getByRole("button", { name: "Set the limit" }));
  expect(onSet).toHaveBeenCalledWith({ user: "grace", runs: 4, devices: null }, expect.any(Function));
});

test("an experiment's limit names the experiment, and none is left over from a user chosen before", async () => {
  const { onSet } = await show();
  const form = await open();
  await choose("User", "ada");
  await userEvent.click(form.getByRole("radio", { name: "An experiment" }));
  expect(form.getByRole("button", { name: "Set the limit" })).toBeDisabled();
  await choose("Experiment", "temperatures");
  await userEvent.type(form.getByRole("textbox", { name: "Devices at a time" }), "0");
  await userEvent.click(form.getByRole("button", { name: "Set the limit" }));
  expect(onSet).toHaveBeenCalledWith({ experiment: "temperatures", runs: null, devices: 0 }, expect.any(Function));
});

test("the form leaves once the limit is set, and stays with the reason when it was refused", async () => {
  const { onSet } = await show({ error: new Error("There is no user 'grace'.") });
  const form = await open();
  expect(form.getByText("The limit was not set")).toBeVisible();
  expect(form.getByText(/There is no user/)).toBeVisible();
  await choose("User", "grace");
  await userEvent.click(form.getByRole("button", { name: "Set the limit" }));
  expect(screen.getByRole("dialog")).toBeInTheDocument();
  const [, onDone] = onSet.mock.calls[0] as [unknown, () => void];
  onDone();
  await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
});

test("what is held is told beside what may be, and a limit is lifted by its number", async () => {
  const { onLift } = await show({ limits: [OF_ADA, OF_EXPERIMENT] });
  const [, ada, experiment] = screen.getAllByRole("row");
  expect(ada).toHaveTextContent("ada1 of 23, no limit");
  expect(experiment).toHaveTextContent("experiment temperatures1, no limit3 of 8");
  await userEvent.click(within(experiment as HTMLElement).getByRole("button", { name: "Lift" }));
  expect(onLift).toHaveBeenCalledWith(5);
});

test("who is no administrator reads them and changes none", async () => {
  await show({ limits: [OF_ADA], maySet: false });
  expect(screen.queryByRole("button")).toBeNull();
});
