/** Home: what runs, what waits, what broke, what came out. */
import { Anchor, Button, Code, Stack, Text, Title } from "@mantine/core";
import { IconMoonStars, IconRocket } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";

import { EmptyState } from "@/ui/EmptyState";
import { ErrorBox } from "@/ui/ErrorBox";
import { counted, formatBytes } from "@/ui/format";
import { Gauge } from "@/ui/Gauge";
import { PageHeader } from "@/ui/PageHeader";
import { CardSkeletons } from "@/ui/Skeletons";

import classes from "./Home.module.css";
import { Failures, Queue, Results } from "./Lists";
import { type Host, keyMetricOf, type Run, useCurve, useHosts, useList, useStorage } from "./queries";
import { RunningCard } from "./RunningCard";

const NONE: readonly Run[] = [];

export default function HomePage() {
  const any = useList("any");
  const running = useList("running");
  const queue = useList("queue");
  const failures = useList("failures");
  const results = useList("results");
  const hosts = useHosts();
  if (any.error && !any.data) return <ErrorBox error={any.error} onRetry={() => void any.refetch()} />;
  if (any.isPending) return <CardSkeletons />;
  if (any.data.total === 0) return <FirstSteps />;
  const lead = `${counted(running.data?.total ?? 0, "run")} at work, ${queue.data?.total ?? 0} waiting`;
  return (
    <>
      <PageHeader title="Home" lead={lead} actions={<LaunchButton />} />
      <div className={classes.grid}>
        <Stack gap="lg">
          <section>
            <Title order={2} fz="md" mb={6}>
              Running now
            </Title>
            {running.data?.items.length === 0 && (
              <div className="card">
                <EmptyState icon={IconMoonStars} title="Nothing runs" action={<LaunchButton />}>
                  Launch a recipe, or <Anchor component={Link} to="/checkpoints" fz="inherit" underline="always">evaluate a checkpoint</Anchor> that is kept.
                </EmptyState>
              </div>
            )}
            <div className={classes.runnings}>
              {running.data?.items.map((run) => (
                <Running key={run.id} run={run} hosts={hosts.data ?? []} />
              ))}
            </div>
          </section>
          <Results runs={results.data?.items ?? NONE} total={results.data?.total ?? 0} />
          <Failures runs={failures.data?.items ?? NONE} total={failures.data?.total ?? 0} />
        </Stack>
        <Stack gap="lg">
          <Queue runs={queue.data?.items ?? NONE} total={queue.data?.total ?? 0} />
          <Machines hosts={hosts.data ?? []} />
        </Stack>
      </div>
    </>
  );
}

function Running({ run, hosts }: { run: Run; hosts: readonly Host[] }) {
  const curve = useCurve(run);
  return <RunningCard run={run} metric={keyMetricOf(run)} curve={curve.data?.series[0]?.last ?? []} where={whereOf(run.id, hosts)} />;
}

function whereOf(runId: number, hosts: readonly Host[]): string | null {
  const held = hosts.flatMap(({ name, devices }) => devices.filter(({ run }) => run?.id === runId).map((device) => `${name}, ${device.name}`));
  if (held.length === 0) return null;
  return held.length > 1 ? `${held[0]} and ${held.length - 1} more` : (held[0] ?? null);
}

function Machines({ hosts }: { hosts: readonly Host[] }) {
  const storage = useStorage();
  return (
    <section>
      <Title order={2} fz="md" mb={6}>
        Machines
      </Title>
      <Stack className={`card ${classes.sideCard}`} gap="sm">
        {hosts.map((host) => {
          const busy = host.devices.filter(({ run }) => run).length;
          const said = host.state === "online" ? `${busy} of ${counted(host.devices.length, "device")} in use` : host.state;
          return <Gauge key={host.id} label={host.name} share={host.devices.length && host.state === "online" ? busy / host.devices.length : null} said={said} nearlyFull={1.1} />;
        })}
        {hosts.length === 0 && <Text fz="sm">No host has registered: start a worker with <Code>scelab up</Code>.</Text>}
        {storage.data && <Gauge label="Disk" share={1 - storage.data.disk_free_bytes / storage.data.disk_total_bytes} said={`${formatBytes(storage.data.disk_free_bytes)} free`} />}
        <Anchor component={Link} to="/hosts" fz={12}>
          All hosts
        </Anchor>
      </Stack>
    </section>
  );
}

function LaunchButton() {
  return (
    <Button component={Link} to="/launch" size="xs" leftSection={<IconRocket size={14} aria-hidden />}>
      Launch
    </Button>
  );
}

function FirstSteps() {
  return (
    <>
      <PageHeader title="Home" />
      <div className="card">
        <EmptyState icon={IconRocket} title="Launch the first training" action={<LaunchButton />}>
          Make the demo videos with <Code>scelab data demo</Code>, register their folder under <Anchor component={Link} to="/datasets" fz="inherit">Data sets</Anchor>, and choose the demo recipe. It trains in minutes on a laptop's CPU.
        </EmptyState>
      </div>
    </>
  );
}
