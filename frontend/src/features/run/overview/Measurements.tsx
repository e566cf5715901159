/** Evaluations of this pretraining that are not done yet, or failed. */
import { Group, Stack, Text } from "@mantine/core";

import type { Schemas } from "@/api/client";
import { StatePill } from "@/ui/StatePill";

import { RunLink } from "../RunLinks";
import { Panel } from "./Panel";

export function Measurements({ runs }: { runs: readonly Schemas["RunView"][] }) {
  const open = runs.filter(({ ended_at, failure }) => ended_at === null || failure !== null);
  if (open.length === 0) return null;
  return (
    <Panel title="Evaluations under way">
      <Stack gap={6}>
        {open.map((run) => (
          <Group key={run.id} gap="sm" wrap="nowrap">
            <StatePill state={run.state} failure={run.failure} />
            <RunLink id={run.id}>{run.name}</RunLink>
            <Text size="xs" c="dimmed" truncate>
              {run.failure?.sentence ?? run.waits_for ?? run.phase}
            </Text>
          </Group>
        ))}
      </Stack>
    </Panel>
  );
}
