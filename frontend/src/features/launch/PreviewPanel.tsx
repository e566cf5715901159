/** What the launch would do: numbers, warnings, the difference to where it came from. */
import { Alert, List, Stack, Text } from "@mantine/core";

import { formatElapsed, formatValue } from "@/charts/format";
import { formatBytes, formatCount } from "@/ui/format";
import { KeyValue } from "@/ui/KeyValue";
import { RowSkeletons } from "@/ui/Skeletons";

import classes from "./Launch.module.css";
import type { Preview } from "./queries";

interface PreviewPanelProps {
  preview: Preview | undefined;
  /** The numbers are of an earlier state: the present one has faults. */
  isOld: boolean;
  runs: number;
}

export function PreviewPanel({ preview, isOld, runs }: PreviewPanelProps) {
  if (!preview && !isOld) return <RowSkeletons count={9} height={18} />;
  if (!preview) return <Text c="dimmed" fz="sm">The numbers show once no field needs a change.</Text>;
  return (
    <Stack gap="sm" style={{ opacity: isOld ? 0.75 : 1 }} data-testid="preview">
      {isOld && <Text fz="xs">Numbers of the last state without faults.</Text>}
      <KeyValue pairs={numbersOf(preview, runs)} />
      <Text fz={11.5} c="dimmed">
        {preview.estimate_basis}
      </Text>
      {preview.warnings.length > 0 && (
        <Alert color="orange" variant="outline" py="xs" title="Before you launch">
          <List fz="xs" spacing={4}>
            {preview.warnings.map((warning) => (
              <List.Item key={warning}>{warning}</List.Item>
            ))}
          </List>
        </Alert>
      )}
      <Differences preview={preview} />
    </Stack>
  );
}

function numbersOf({ derived, train_items, estimated_s, disk_bytes }: Preview, runs: number): [string, string][] {
  const each = runs > 1 ? " each" : "";
  const all: [string, string | null][] = [
    ["Training items", train_items === null ? "not indexed" : formatCount(train_items)],
    ["Effective batch", count(derived.effective_batch)],
    ["Batch per device", count(derived.batch_per_device)],
    ["Scaled learning rate", derived.scaled_lr === null ? null : formatValue(derived.scaled_lr)],
    ["Steps per epoch", count(derived.steps_per_epoch)],
    ["Steps", count(derived.total_steps)],
    ["Warm-up steps", count(derived.warmup_steps)],
    ["Views per video", count(derived.views_per_video)],
    ["Feature width", count(derived.trunk_width)],
    ["Checkpoints kept", count(derived.num_checkpoints)],
    ["One checkpoint", derived.checkpoint_bytes === null ? null : formatBytes(derived.checkpoint_bytes)],
    [`Disk${each}`, disk_bytes === null ? null : formatBytes(disk_bytes)],
    [`Estimated time${each}`, estimated_s === null ? "unknown" : formatElapsed(estimated_s)],
  ];
  return all.filter((pair): pair is [string, string] => pair[1] !== null);
}

function count(value: number | null): string | null {
  return value === null ? null : formatCount(value);
}

function Differences({ preview }: { preview: Preview }) {
  if (preview.changes.length === 0) return null;
  return (
    <div>
      <Text fz="sm" fw={600} mb={4}>
        Different from the recipe
      </Text>
      <table className={classes.diff}>
        <thead>
          <tr>
            <th>Field</th>
            <th>Recipe</th>
            <th>Here</th>
          </tr>
        </thead>
        <tbody>
          {preview.changes.map(({ field, before, after }) => (
            <tr key={field}>
              <td className="mono">{field}</td>
              <td>{said(before)}</td>
              <td>
                <b>{said(after)}</b>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function said(value: unknown): string {
  if (value === null || value === undefined) return "none";
  return shortened(typeof value === "object" ? JSON.stringify(value) : String(value));
}

/** Digests and long paths keep both of their ends. */
function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 26)}…${text.slice(-26)}` : text;
}
