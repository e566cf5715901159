/** Queue: what holds devices, and what waits for them, in which order and why. */
import { Button, Table, Text, Title } from "@mantine/core";
import { IconListCheck, IconPlus } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";

import { EmptyState } from "@/ui/EmptyState";
import { ErrorBox } from "@/ui/ErrorBox";
import { counted } from "@/ui/format";
import { PageHeader } from "@/ui/PageHeader";
import { ProgressWithEta } from "@/ui/ProgressWithEta";
import { RunLink } from "@/ui/RunLink";
import { RowSkeletons } from "@/ui/Skeletons";
import { StatePill } from "@/ui/StatePill";

import { PriorityDialog } from "./PriorityDialog";
import { type Holding, type Queue, useMove, useQueue, useSetPriority, type Waiting } from "./queries";
import classes from "./Queue.module.css";
import { WaitingTable } from "./WaitingTable";

export default function QueuePage() {
  const queue = useQueue();
  const move = useMove();
  const set = useSetPriority();
  const [editing, setEditing] = useState<Waiting | null>(null);
  return (
    <>
      <PageHeader title="Queue" lead={queue.data && leadOf(queue.data)} />
      {queue.error && !queue.data && <ErrorBox error={queue.error} onRetry={() => void queue.refetch()} />}
      {queue.isPending && <RowSkeletons />}
      {queue.data && (
        <>
          <Section title="Under way">{queue.data.holding.length === 0 ? <Text fz="sm">Nothing runs now.</Text> : <HoldingTable rows={queue.data.holding} />}</Section>
          <Section title="Waiting">
            <Waits queue={queue.data}>
              <WaitingTable rows={queue.data.waiting} onMove={(id, asked) => move.mutate({ id, ...asked })} onPriority={setEditing} />
            </Waits>
          </Section>
        </>
      )}
      {editing && (
        <PriorityDialog
          row={editing}
          isBusy={set.isPending}
          onClose={() => setEditing(null)}
          onSet={(priority) => set.mutate({ id: editing.run.id, priority }, { onSuccess: () => setEditing(null) })}
        />
      )}
    </>
  );
}

function leadOf({ holding, num_waiting }: Queue): string {
  const here = holding.filter(({ run }) => run.slurm === null);
  const devices = here.reduce((sum, { run }) => sum + run.devices, 0);
  const numAway = holding.length - here.length;
  const away = numAway > 0 ? `, ${numAway} with SLURM` : "";
  return `${counted(num_waiting, "run")} waiting, ${counted(here.length, "run")} on ${counted(devices, "device")}${away}`;
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={`card ${classes.section}`} aria-label={title}>
      <Title order={2} fz="md" mb="xs">
        {title}
      </Title>
      {children}
    </section>
  );
}

function Waits({ queue, children }: { queue: Queue; children: ReactNode }) {
  if (queue.waiting.length === 0) {
    return (
      <EmptyState
        icon={IconListCheck}
        title="Nothing waits"
        action={
          <Button component={Link} to="/launch" size="xs" leftSection={<IconPlus size={14} aria-hidden />}>
            New run
          </Button>
        }
      >
        A run that is launched stands here until a host has room for it, with the reason why it waits.
      </EmptyState>
    );
  }
  return (
    <>
      <Text fz="sm" c="dimmed" mb={6}>
        The first that fits starts next. Drag a row, or use its menu, to change the order.
        {queue.num_waiting > queue.waiting.length && ` The first ${queue.waiting.length} of ${queue.num_waiting} are shown.`}
      </Text>
      {children}
    </>
  );
}

function HoldingTable({ rows }: { rows: readonly Holding[] }) {
  return (
    <Table.ScrollContainer minWidth={820} type="native" tabIndex={0} role="region" aria-label="Runs that hold devices">
      <Table fz="sm" verticalSpacing={6} className={classes.table}>
        <Table.Thead>
          <Table.Tr>
            {["Run", "State", "Experiment", "Who", "Priority", "Devices", "On", "Progress"].map((head) => (
              <Table.Th key={head}>{head}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(({ host, run }) => (
            <Table.Tr key={run.id}>
              <Table.Td className={`ellipsis ${classes.name}`}>
                <RunLink run={run} isStrong />
              </Table.Td>
              <Table.Td>
                <StatePill state={run.state} failure={run.failure} />
                {run.waits_for && (
                  <Text fz={12} c="dimmed" className={classes.sentence}>
                    {run.waits_for}
                  </Text>
                )}
                {run.makes_room_for && (
                  <Text fz={12} c="dimmed">
                    makes room for <RunLink run={run.makes_room_for} />
                  </Text>
                )}
              </Table.Td>
              <Table.Td>{run.experiment.name}</Table.Td>
              <Table.Td>{run.owner ?? "–"}</Table.Td>
              <Table.Td>{run.priority}</Table.Td>
              <Table.Td>{run.devices}</Table.Td>
              <Table.Td>{run.slurm === null ? host : `SLURM, ${run.slurm}`}</Table.Td>
              <Table.Td>
                <ProgressWithEta progress={run.progress} etaS={run.eta_s} label={run.name} isMoving />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
