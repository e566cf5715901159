/** How full something is: a bar, the amounts, and a word when it is nearly full. */
import { Group, Progress, Text } from "@mantine/core";

interface GaugeProps {
  label: string;
  /** From 0 to 1; null while nobody measured it. */
  share: number | null;
  said: string;
  nearlyFull?: number;
}

export function Gauge({ label, share, said, nearlyFull = 0.9 }: GaugeProps) {
  const isTight = share !== null && share >= nearlyFull;
  return (
    <div>
      <Group justify="space-between" gap={8} wrap="nowrap" mb={3}>
        <Text fz={12}>{label}</Text>
        <Text fz={12} c="dimmed" ta="right">
          {said}
          {isTight && <b> · nearly full</b>}
        </Text>
      </Group>
      <Progress size={6} value={(share ?? 0) * 100} color={isTight ? "red.7" : "iris.5"} aria-label={label} />
    </div>
  );
}
