/** Data sets that are on their way: how far each is, what it could not use, and how it goes on. */
import { Alert, Anchor, Button, Group, Paper, Progress, Stack, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";

import { Pill, STATE_LOOKS } from "@/ui/StatePill";
import { When } from "@/ui/When";

import { BadFiles } from "./BadFiles";
import { progressWords } from "./preparing";
import { isPreparing, type Preparation } from "./queries";

interface PreparationsProps {
  preparations: readonly Preparation[];
  isBusy: boolean;
  onSteer: (preparation_id: number, verb: "stop" | "resume") => void;
}

/** Old ones that ended well are not news. */
const SHOWN = 5;

export function Preparations({ preparations, ...steering }: PreparationsProps) {
  if (preparations.length === 0) return null;
  return (
    <Paper className="card" p="md" mb="md" component="section" aria-label="Preparations">
      <Title order={2} size="h5" mb="sm">
        Preparations
      </Title>
      <Stack gap="md">
        {preparations.slice(0, SHOWN).map((one) => (
          <Row key={one.id} one={one} {...steering} />
        ))}
      </Stack>
    </Paper>
  );
}

function Row({ one, isBusy, onSteer }: { one: Preparation } & Omit<PreparationsProps, "preparations">) {
  const { word, ...look } = STATE_LOOKS[one.state === "waiting" ? "queued" : one.state];
  return (
    <article aria-label={one.name}>
      <Group justify="space-between" align="flex-start">
        <Stack gap={2}>
          <Group gap="sm">
            <Name one={one} />
            <Pill {...look}>{word}</Pill>
            <Text size="sm" c="dimmed">
              {one.set_title}, <When at={one.changed_at} />
            </Text>
          </Group>
          <Text size="xs" c="dimmed" ff="monospace">
            {one.target}
          </Text>
        </Stack>
        <Steering one={one} isBusy={isBusy} onSteer={onSteer} />
      </Group>
      {isPreparing(one) && <Advance one={one} />}
      {one.state === "stopped" && one.total > 0 && (
        <Text size="sm" mt="xs">
          {progressWords(one)}. What was made is kept: it goes on from there.
        </Text>
      )}
      {one.sentence && (
        <Alert color="red" mt="xs" title="It could not be prepared">
          <span style={{ whiteSpace: "pre-wrap" }}>{one.sentence}</span>
        </Alert>
      )}
      {one.report && <Report report={one.report} />}
    </article>
  );
}

function Name({ one }: { one: Preparation }) {
  if (one.dataset_id === null) return <Text fw={600}>{one.name}</Text>;
  const params = { datasetId: String(one.dataset_id) };
  return (
    <Anchor size="sm" fw={600} renderRoot={(props) => <Link to="/datasets/$datasetId" params={params} {...props} />}>
      {one.name}
    </Anchor>
  );
}

function Steering({ one, isBusy, onSteer }: { one: Preparation } & Omit<PreparationsProps, "preparations">) {
  if (one.state === "waiting" || one.state === "running")
    return (
      <Button variant="default" size="xs" disabled={isBusy} onClick={() => onSteer(one.id, "stop")}>
        Stop
      </Button>
    );
  if (one.state === "stopped" || one.state === "failed")
    return (
      <Button variant="default" size="xs" disabled={isBusy} onClick={() => onSteer(one.id, "resume")}>
        Go on
      </Button>
    );
  return null;
}

function Advance({ one }: { one: Preparation }) {
  return (
    <Stack gap={4} mt="xs">
      <Progress
        value={one.total ? (100 * one.done) / one.total : 100}
        animated={one.state === "running"}
        aria-label={`Preparing ${one.name}`}
      />
      <Text size="sm">{one.state === "waiting" ? "Waiting for a worker." : progressWords(one)}</Text>
    </Stack>
  );
}

function Report({ report }: { report: NonNullable<Preparation["report"]> }) {
  return (
    <Stack gap={4} mt="xs">
      <Text size="sm">
        {report.made} files were made, {report.kept} were there already, {report.num_bad} cannot be used.
      </Text>
      {report.warnings.map((warning) => (
        <Text key={warning} size="sm" c="dimmed">
          {warning}
        </Text>
      ))}
      {report.bad.length > 0 && (
        <details>
          <summary>Files that cannot be used</summary>
          <BadFiles files={report.bad} maxHeight={320} />
          {report.num_bad > report.bad.length && (
            <Text size="xs" c="dimmed">
              The first {report.bad.length} of {report.num_bad}; all are in scelab-report.json in the folder.
            </Text>
          )}
        </details>
      )}
    </Stack>
  );
}
