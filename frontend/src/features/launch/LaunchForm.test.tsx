import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

import { Refusal } from "@/api/client";
import { renderPart } from "@/test-render";

import type { Draft } from "./draft";
import type { Schema } from "./form/schema";
import { LaunchForm, type Previewed } from "./LaunchForm";
import type { LaunchRequest, Preview } from "./queries";

const number = (description: string, rest: Schema = {}): Schema => ({ type: "number", description, ...rest });
const tag = (kind: string): Schema => ({ const: kind, default: kind, type: "string" });
const SCHEMA: Schema = {
  oneOf: [{ $ref: "#/$defs/Pretrain" }],
  $defs: {
    Sce: {
      description: "Keep the relations the target sees.",
      properties: { kind: tag("sce"), temperature: number("Tau.", { default: 0.1 }), predictor: { anyOf: [{ $ref: "#/$defs/Predictor" }, { type: "null" }], default: null, description: "Online only." } },
    },
    Moco: { properties: { kind: tag("moco"), queue_size: { type: "integer", default: 65536, description: "Past keys." } } },
    Predictor: { properties: { hidden_width: { type: "integer", default: 1024, description: "Width." } } },
    View: { properties: { size: { type: "integer", default: 224, description: "Side." } } },
    Pretrain: {
      properties: {
        kind: tag("pretrain"),
        method: { oneOf: [{ $ref: "#/$defs/Sce" }, { $ref: "#/$defs/Moco" }], description: "How it is learned." },
        views: { properties: { views: { items: { $ref: "#/$defs/View" }, minItems: 2, maxItems: 3, description: "One entry a view." } } },
        seed: { type: "integer", default: 42 },
      },
    },
  },
};
const DEFINITION = { kind: "pretrain", method: { kind: "sce", temperature: 0.1, predictor: null }, views: { views: [{ size: 112 }, { size: 112 }] }, seed: 42 };
const DRAFT: Draft = { definition: DEFINITION, recipe: "small", name: "", experiment: "default", tags: [], notes: "", seeds: "42", checkpointId: null, clonedFromId: null, priority: 0, slurm: null };

async function show(answer: (request: LaunchRequest) => Previewed = () => ({ data: undefined, error: null })) {
  const onLaunch = vi.fn<(request: LaunchRequest) => void>();
  const form = { schema: SCHEMA, initial: DRAFT, base: DEFINITION, baseWord: "recipe", roots: [], labels: [], checkpoints: [], experiments: [], profiles: ["a100"], isBusy: false, refusal: null };
  await renderPart(<LaunchForm {...form} usePreviewOf={answer} onLaunch={onLaunch} />);
  const launched = async () => {
    await userEvent.click(screen.getByRole("button", { name: /^Launch/ }));
    return onLaunch.mock.calls[0]?.[0];
  };
  return { launched, onLaunch };
}

const temperature = () => screen.getByLabelText("Temperature");

test("a field shows its help, and its way back once it differs from the recipe", async () => {
  const { launched } = await show();
  expect(screen.getByText("Tau.")).toBeVisible();
  fireEvent.change(temperature(), { target: { value: "2e-1" } });
  await userEvent.click(screen.getByRole("button", { name: "Temperature: back to the recipe" }));
  expect((await launched())?.definition).toEqual(DEFINITION);
});

test("choosing another kind swaps the fields under it", async () => {
  const { launched } = await show();
  await userEvent.click(screen.getByRole("combobox", { name: "method kind" }));
  await userEvent.click(await screen.findByRole("option", { name: "moco", hidden: true }));
  expect(screen.queryByLabelText("Temperature")).toBeNull();
  expect((await launched())?.definition).toMatchObject({ method: { kind: "moco", queue_size: 65536 } });
});

test("what may be none is switched on with its defaults", async () => {
  const { launched } = await show();
  fireEvent.click(screen.getByLabelText("predictor is set"));
  expect(screen.getByLabelText("Hidden width")).toHaveValue("1024");
  expect((await launched())?.definition).toMatchObject({ method: { predictor: { hidden_width: 1024 } } });
});

test("views are added up to the largest number, and never fewer than the least", async () => {
  await show();
  expect(screen.getByRole("button", { name: "Remove view 1" })).toBeDisabled();
  await userEvent.click(screen.getByRole("button", { name: "Add view" }));
  expect(within(screen.getByLabelText("view 3")).getByLabelText("Size")).toHaveValue("224");
  expect(screen.getByRole("button", { name: "Add view" })).toBeDisabled();
});

test("a fault stands at its field, is counted, and is where Launch leads to", async () => {
  const refusal = new Refusal(422, "1 field", { "method.temperature": "It must be above target_temperature." });
  const { onLaunch } = await show(() => ({ data: undefined, error: refusal }));
  expect(screen.getByRole("alert")).toHaveTextContent("It must be above target_temperature.");
  expect(screen.getByText(/1 field needs a change/)).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Launch" }));
  expect(temperature()).toHaveFocus();
  expect(onLaunch).not.toHaveBeenCalled();
});

test("YAML shows the form, changes it, and keeps it while the text cannot be read", async () => {
  await show();
  await userEvent.click(screen.getByLabelText("YAML"));
  const yaml = () => screen.getByLabelText<HTMLTextAreaElement>("Definition as YAML");
  expect(yaml().value).toContain("temperature: 0.1");
  fireEvent.change(yaml(), { target: { value: yaml().value.replace("temperature: 0.1", "temperature: 0.3") } });
  expect(temperature()).toHaveValue("0.3");
  fireEvent.change(yaml(), { target: { value: "kind: [pretrain" } });
  expect(screen.getByRole("alert")).toHaveTextContent("The form keeps the last state");
  expect(temperature()).toHaveValue("0.3");
});

test("several seeds are several runs, and a text that is no seed is told", async () => {
  const { launched } = await show();
  fireEvent.change(screen.getByLabelText("Seeds"), { target: { value: "42, x" } });
  expect(screen.getByText(/Seeds are whole numbers/)).toBeInTheDocument();
  fireEvent.change(screen.getByLabelText("Seeds"), { target: { value: "42, 43" } });
  await waitFor(() => expect(screen.getByRole("button", { name: "Launch 2 runs" })).toBeInTheDocument());
  expect((await launched())?.seeds).toEqual([42, 43]);
});

test("a seed changed in YAML is the one that runs, and one typed in its field stands in YAML", async () => {
  const { launched } = await show();
  await userEvent.click(screen.getByLabelText("YAML"));
  const yaml = () => screen.getByLabelText<HTMLTextAreaElement>("Definition as YAML");
  fireEvent.change(yaml(), { target: { value: yaml().value.replace("seed: 42", "seed: 7") } });
  expect(screen.getByLabelText("Seeds")).toHaveValue("7");
  fireEvent.change(screen.getByLabelText("Seeds"), { target: { value: "8" } });
  expect(yaml().value).toContain("seed: 8");
  expect((await launched())?.definition).toMatchObject({ seed: 8 });
});

test("a fault that has no field of its own is told with the server's sentence", async () => {
  const refusal = new Refusal(422, "1 field", { "method.temprature": "There is no such field; did you mean temperature?" });
  await show(() => ({ data: undefined, error: refusal }));
  expect(screen.getByText(/did you mean temperature/)).toBeInTheDocument();
});

test("while a field is at fault the numbers of the state before it stay, and say so", async () => {
  const derived = { effective_batch: 40, batch_per_device: 40, scaled_lr: null, steps_per_epoch: 2, total_steps: 80, warmup_steps: 4, num_checkpoints: 5, checkpoint_bytes: null, trunk_width: 128, views_per_video: null };
  const known = { derived, warnings: [], changes: [], train_items: 90, estimated_s: null, disk_bytes: null, estimate_basis: "No pace yet." } as unknown as Preview;
  const answer = ({ definition }: LaunchRequest): Previewed => {
    const isFaulty = JSON.stringify(definition).includes('"temperature":-1');
    return isFaulty ? { data: undefined, error: new Refusal(422, "1 field", { "method.temperature": "Above 0." }) } : { data: known, error: null };
  };
  await show(answer);
  fireEvent.change(temperature(), { target: { value: "-1" } });
  expect(await screen.findByText(/Numbers of the last state without faults/)).toBeInTheDocument();
  expect(screen.getByTestId("preview")).toHaveTextContent("Steps80");
});

test("one control says where it runs, and the script is shown before the launch", async () => {
  const known = { derived: {}, warnings: [], changes: [], train_items: 90, estimated_s: null, disk_bytes: null, estimate_basis: "" } as unknown as Preview;
  const here = { data: { ...known, sbatch: null }, error: null };
  const there = { data: { ...known, sbatch: "#SBATCH --partition=gpu" }, error: null };
  const { launched } = await show(({ slurm }) => (slurm === "a100" ? there : here));
  expect(screen.queryByText("sbatch")).toBeNull();
  await userEvent.click(screen.getByRole("combobox", { name: "Where" }));
  await userEvent.click(await screen.findByRole("option", { name: "SLURM: a100", hidden: true }));
  await userEvent.click(screen.getByText("sbatch"));
  await waitFor(() => expect(screen.getByLabelText("Script for sbatch")).toHaveTextContent("#SBATCH --partition=gpu"));
  expect((await launched())?.slurm).toBe("a100");
});
