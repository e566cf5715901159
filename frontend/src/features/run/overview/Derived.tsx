/** Numbers that follow from what was asked. */
import { formatValue } from "@/charts/format";
import { formatBytes, formatCount } from "@/ui/format";
import { KeyValue } from "@/ui/KeyValue";

import type { Run } from "../queries";
import { Panel } from "./Panel";

type Numbers = Run["derived"];

const ROWS: readonly [keyof Numbers, string][] = [
  ["effective_batch", "Effective batch"],
  ["batch_per_device", "Batch per device"],
  ["scaled_lr", "Scaled learning rate"],
  ["steps_per_epoch", "Steps per epoch"],
  ["total_steps", "Steps"],
  ["warmup_steps", "Warm-up steps"],
  ["num_checkpoints", "Checkpoints kept"],
  ["checkpoint_bytes", "Size of a checkpoint"],
  ["trunk_width", "Feature width"],
  ["views_per_video", "Views per video"],
];

const written = (key: keyof Numbers, value: number): string => {
  if (key === "scaled_lr") return formatValue(value);
  return key === "checkpoint_bytes" ? formatBytes(value) : formatCount(value);
};

export function Derived({ run }: { run: Run }) {
  const known = ROWS.flatMap(([key, label]): [string, string][] => {
    const value = run.derived[key];
    return value == null ? [] : [[label, written(key, value)]];
  });
  const about: [string, string | null][] = [
    ["Recipe", run.recipe],
    ["Method", run.method],
    ["Trunk", run.trunk],
    ["Seed", String(run.seed)],
    ["Started by", run.owner],
    ["Keeps off", run.keeps_off.length > 0 ? `${run.keeps_off.join(", ")}, where it failed` : null],
  ];
  return (
    <Panel title="Facts">
      <KeyValue pairs={[...about, ...known].filter(([, value]) => value !== null)} />
    </Panel>
  );
}
