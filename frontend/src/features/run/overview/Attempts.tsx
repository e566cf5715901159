/** Each time the run was started: where, how long, how it ended. */
import { Accordion, Code, Group, List, Stack, Text, Timeline } from "@mantine/core";
import { IconAlertTriangle, IconCheck, IconPlayerPause, IconPlayerPlay, IconX, type TablerIcon } from "@tabler/icons-react";

import { formatElapsed } from "@/charts/format";
import { When } from "@/ui/When";

import type { Run } from "../queries";
import { Panel } from "./Panel";

type Attempt = Run["attempts"][number];

const SIGNS: Readonly<Record<string, { icon: TablerIcon; colour: string }>> = {
  finished: { icon: IconCheck, colour: "green" },
  failed: { icon: IconX, colour: "red" },
  stopped: { icon: IconPlayerPause, colour: "gray" },
  preempted: { icon: IconAlertTriangle, colour: "orange" },
};
const GOING = { icon: IconPlayerPlay, colour: "blue" };

export function Attempts({ attempts }: { attempts: readonly Attempt[] }) {
  if (attempts.length === 0) return null;
  return (
    <Panel title={attempts.length === 1 ? "Attempt" : "Attempts"}>
      <Timeline bulletSize={24} lineWidth={2} active={attempts.length}>
        {attempts.map((attempt) => {
          const { icon: Icon, colour } = signOf(attempt);
          return (
            <Timeline.Item
              key={attempt.number}
              bullet={<Icon size={13} aria-hidden />}
              color={colour}
              title={`Attempt ${attempt.number}: ${attempt.outcome ?? "under way"}`}
            >
              <AttemptFacts attempt={attempt} />
            </Timeline.Item>
          );
        })}
      </Timeline>
    </Panel>
  );
}

function signOf({ outcome }: Attempt) {
  return outcome ? (SIGNS[outcome] ?? GOING) : GOING;
}

function AttemptFacts({ attempt }: { attempt: Attempt }) {
  return (
    <Stack gap={4}>
      <Group gap="md">
        <Text size="sm" c="dimmed">
          {attempt.host}
          {attempt.device && `, ${attempt.device}`}
          {(attempt.world_size ?? 1) > 1 && ` × ${attempt.world_size}`}
        </Text>
        <Text size="sm" c="dimmed">
          <When at={attempt.started_at} />
          {attempt.ended_at && `, ${formatElapsed(secondsOf(attempt))}`}
        </Text>
        {attempt.start_step !== null && attempt.start_step > 0 && (
          <Text size="sm" c="dimmed">
            from step {attempt.start_step}
          </Text>
        )}
      </Group>
      {attempt.sentence && <Text size="sm">{attempt.sentence}</Text>}
      <Remarks attempt={attempt} />
    </Stack>
  );
}

function Remarks({ attempt: { notes, versions } }: { attempt: Attempt }) {
  const names = Object.entries(versions);
  return (
    <>
      {notes.length > 0 && (
        <List size="sm" spacing={2}>
          {notes.map((note) => (
            <List.Item key={note}>{note}</List.Item>
          ))}
        </List>
      )}
      {names.length > 0 && (
        <Accordion variant="default" chevronPosition="left" styles={{ control: { paddingInline: 0 }, item: { border: 0 } }}>
          <Accordion.Item value="versions">
            <Accordion.Control>
              <Text size="xs">Versions</Text>
            </Accordion.Control>
            <Accordion.Panel>
              <Code block>{names.map(([name, version]) => `${name} ${version}`).join("\n")}</Code>
            </Accordion.Panel>
          </Accordion.Item>
        </Accordion>
      )}
    </>
  );
}

function secondsOf({ started_at, ended_at }: Attempt): number {
  return ended_at ? (Date.parse(ended_at) - Date.parse(started_at)) / 1000 : 0;
}
