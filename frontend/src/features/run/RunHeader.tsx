/** Name, state, progress, where it belongs, and what may be done now. */
import { Alert, Group, Progress, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";

import { formatElapsed, formatEpoch } from "@/charts/format";
import { formatCount } from "@/ui/format";
import { KindBadge, StatePill } from "@/ui/StatePill";

import { RunActions } from "./actions";
import { DevicesDialog } from "./DevicesDialog";
import { EditableName } from "./EditableName";
import classes from "./Run.module.css";
import { type Run, type RunAction, useEditRun, useRunAction } from "./queries";
import { RunLink, RunLinks } from "./RunLinks";
import { retryWords } from "./retryWords";
import { Tags } from "./Tags";
import { TestDialog } from "./TestDialog";

export function RunHeader({ run, onEvaluate }: { run: Run; onEvaluate: () => void }) {
  const navigate = useNavigate();
  const action = useRunAction(run.id);
  const edit = useEditRun(run.id);
  const [isTesting, testing] = useDisclosure(false);
  const [isSpreading, spreading] = useDisclosure(false);
  const act = (wanted: RunAction) => {
    if (wanted === "clone") return void navigate({ to: "/launch", search: { clone: run.id } });
    if (wanted === "evaluate") return onEvaluate();
    if (wanted === "test") return testing.open();
    if (wanted === "devices") return spreading.open();
    return action.mutate(wanted);
  };
  return (
    <Stack gap="xs">
      <Group justify="space-between" align="flex-start" className={classes.head}>
        <Group gap="sm" className={classes.naming}>
          <EditableName name={run.name} isBusy={edit.isPending} onRename={(name) => edit.mutate({ name })} />
          <KindBadge kind={run.kind} />
          <StatePill state={run.state} failure={run.failure} />
        </Group>
        <RunActions run={run} isBusy={action.isPending} onAction={act} />
      </Group>
      <Group gap="md">
        <RunLinks run={run} />
        <Tags tags={run.tags} onChange={(tags) => edit.mutate({ tags })} />
      </Group>
      {isSpreading && <DevicesDialog run={run} onClose={spreading.close} />}
      <TestDialog run={run} isOpen={isTesting} onClose={testing.close} />
      {run.makes_room_for && run.state === "running" && (
        <Text size="sm">
          It saves its state and makes room for <RunLink id={run.makes_room_for.id}>{run.makes_room_for.name}</RunLink>, whose priority is higher; then it is queued again.
        </Text>
      )}
      <ProgressLine run={run} />
      {run.failure && (
        <Alert color="red" py="xs" title={run.failure.sentence}>
          {run.failure.retry && <Text size="sm">{retryWords(run.failure.retry)}</Text>}
          <RunLink id={run.id} tab="logs">
            Its log
          </RunLink>{" "}
          has the last words of every process.
        </Alert>
      )}
    </Stack>
  );
}

/** How far it is; what it waits for when it has not begun. */
function ProgressLine({ run }: { run: Run }) {
  if (run.waits_for) return <Text size="sm">Waiting: {run.waits_for}</Text>;
  if (run.ended_at || !run.started_at) return null;
  const percent = Math.round(run.progress * 1000) / 10;
  return (
    <Stack gap={4}>
      <Progress value={percent} animated={!run.ended_at} aria-label={`Progress of ${run.name}`} />
      <Group gap="md">
        <Text size="sm" fw={600}>
          {percent.toFixed(1)} %
        </Text>
        {run.phase && <Text size="sm">{run.phase}</Text>}
        {run.epochs !== null && (
          <Text size="sm">
            epoch {formatEpoch(run.epoch)} of {formatCount(run.epochs)}
          </Text>
        )}
        {run.steps !== null && (
          <Text size="sm">
            step {formatCount(run.step)} of {formatCount(run.steps)}
          </Text>
        )}
        {run.eta_s !== null && <Text size="sm">{formatElapsed(run.eta_s)} left</Text>}
      </Group>
    </Stack>
  );
}
