/** Which checkpoint an evaluation measures. */
import { Select, Text } from "@mantine/core";

import { formatEpoch } from "@/charts/format";

import classes from "./Launch.module.css";
import type { Checkpoint } from "./queries";

interface CheckpointPickerProps {
  checkpoints: readonly Checkpoint[];
  chosen: number | null;
  error: string | undefined;
  onChoose: (id: number | null) => void;
}

export function CheckpointPicker({ checkpoints, chosen, error, onChoose }: CheckpointPickerProps) {
  const groups = new Map<string, { value: string; label: string }[]>();
  for (const { id, run, epoch, step, kind } of checkpoints) {
    const label = kind === "imported" ? `${run.name}, imported` : step === 0 ? `${run.name}, untrained` : `${run.name}, epoch ${formatEpoch(epoch)}${kind === "last" ? " (newest)" : ""}`;
    groups.set(run.name, [...(groups.get(run.name) ?? []), { value: String(id), label }]);
  }
  return (
    <section className={`card ${classes.section}`}>
      <h2>Checkpoint</h2>
      <Text c="dimmed" fz={12}>
        The trunk that is measured.
      </Text>
      <Select
        id="field-checkpoint"
        size="xs"
        my={6}
        searchable
        clearable
        aria-label="Checkpoint"
        placeholder={checkpoints.length ? "Choose a checkpoint" : "No training has left one yet"}
        data={[...groups].map(([group, items]) => ({ group, items }))}
        value={chosen === null ? null : String(chosen)}
        error={error}
        onChange={(value) => onChoose(value ? Number(value) : null)}
      />
    </section>
  );
}
