/** How far a run is and how long it still takes. */
import { Group, Progress, Stack, Text } from "@mantine/core";

import { formatElapsed } from "@/charts/format";

import { formatShare } from "./format";

interface ProgressWithEtaProps {
  progress: number;
  etaS: number | null;
  label: string;
  /** It moves at this moment. */
  isMoving?: boolean;
}

export function ProgressWithEta({ progress, etaS, label, isMoving = false }: ProgressWithEtaProps) {
  return (
    <Stack gap={3} miw={84}>
      <Group justify="space-between" wrap="nowrap" gap={8} fz={11.5} lh={1}>
        <span>{formatShare(progress)}</span>
        {etaS !== null && isMoving && (
          <Text c="dimmed" fz={11.5} lh={1} className="ellipsis" title="Time left">
            {formatElapsed(etaS)}
          </Text>
        )}
      </Group>
      <Progress
        value={progress * 100}
        size={4}
        color={isMoving ? "teal.7" : "gray.6"}
        aria-label={`Progress of ${label}`}
      />
    </Stack>
  );
}
