/** What the newest check found on a compute node: each fault with its remedy, and what is as it should be. */
import { Group, List, Loader, Text } from "@mantine/core";
import { IconAlertTriangle, IconCheck } from "@tabler/icons-react";

import { counted } from "@/ui/format";
import { Pill } from "@/ui/StatePill";
import { When } from "@/ui/When";

import type { Probe } from "./queries";

export function ProbeFacts({ name, probe }: { name: string; probe: Probe }) {
  return (
    <section aria-label={`Check of ${name}`}>
      <Group gap="xs" mb={4}>
        <Text fz="sm" fw={600}>
          {name}
        </Text>
        <Outcome probe={probe} />
      </Group>
      <List size="sm" spacing={2}>
        {probe.amiss.map((sentence) => (
          <List.Item key={sentence} fw={600}>
            {sentence}
          </List.Item>
        ))}
        {probe.good.map((sentence) => (
          <List.Item key={sentence}>{sentence}</List.Item>
        ))}
      </List>
    </section>
  );
}

function Outcome({ probe }: { probe: Probe }) {
  if (!probe.ended_at) {
    return (
      <Group gap="xs" role="status">
        <Loader size={14} aria-hidden />
        <Text fz="sm">Check under way. {probe.waits_for}</Text>
      </Group>
    );
  }
  return (
    <>
      {probe.amiss.length > 0 ? (
        <Pill tone="red" icon={IconAlertTriangle}>
          {counted(probe.amiss.length, "fault")}
        </Pill>
      ) : (
        <Pill tone="green" icon={IconCheck}>
          Good
        </Pill>
      )}
      <Text fz="xs" c="dimmed">
        checked <When at={probe.ended_at} />
      </Text>
    </>
  );
}
