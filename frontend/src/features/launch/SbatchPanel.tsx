/** What SLURM would be given, before anything is submitted. */
import { Group, Text } from "@mantine/core";

import { CopyButton } from "@/ui/CopyButton";

export function SbatchPanel({ text }: { text: string | null }) {
  if (text === null) return <Text c="dimmed" fz="sm">The script shows once no field needs a change.</Text>;
  return (
    <>
      <Group justify="space-between" wrap="nowrap" mb={6}>
        <Text fz="xs" c="dimmed">
          Each run&apos;s own number and the interpreter are filled in when it is submitted.
        </Text>
        <CopyButton value={text} label="Copy the script" />
      </Group>
      {/* A scrolling region must be reachable by keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0} aria-label="Script for sbatch" className="mono" style={{ margin: 0, overflow: "auto", padding: 10, fontSize: 11.5, background: "var(--sunken)", borderRadius: 6, maxHeight: "70vh" }}>
        {text}
      </pre>
    </>
  );
}
