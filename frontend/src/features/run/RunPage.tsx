/** Everything about one run. */
import { Alert, Skeleton, Stack, Tabs } from "@mantine/core";
import { IconHistory } from "@tabler/icons-react";
import { useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";

import { ViewsPanel } from "@/features/views/ViewsPanel";
import { NothingToShow } from "@/ui/NothingToShow";
import { isIn, useUrlState } from "@/ui/useUrlState";

import { ChartsTab } from "./charts/ChartsTab";
import { CheckpointsTab } from "./checkpoints/CheckpointsTab";
import { ConfigurationTab } from "./configuration/ConfigurationTab";
import { EvaluationsTab } from "./evaluations/EvaluationsTab";
import { HealthTab } from "./health/HealthTab";
import { LogsTab } from "./logs/LogsTab";
import { OverviewTab } from "./overview/OverviewTab";
import { type Run, useRun } from "./queries";
import classes from "./Run.module.css";
import { RunHeader } from "./RunHeader";
import { readRunSearch, type RunSearch, type Tab, TABS } from "./search";

const TITLES = {
  overview: "Overview",
  charts: "Charts",
  health: "Health",
  evaluations: "Evaluations",
  checkpoints: "Checkpoints",
  views: "Views",
  logs: "Logs",
  configuration: "Configuration",
} satisfies Record<Tab, string>;

export default function RunPage() {
  const runId = Number(useParams({ strict: false }).runId);
  const [search, change] = useUrlState(readRunSearch);
  const run = useRun(runId);
  if (run.error && !run.data) return <NothingToShow title="No run to show" error={run.error} />;
  if (!run.data) return <Waiting />;
  return (
    <Stack gap="md">
      <RunHeader run={run.data} onEvaluate={() => change({ tab: "checkpoints", evaluate: true })} />
      {run.data.unreadable && (
        <Alert color="yellow" icon={<IconHistory size={16} aria-hidden />} title="Stored by an older version">
          {run.data.unreadable}
        </Alert>
      )}
      <Tabs
        value={search.tab}
        onChange={(tab) => isIn(TABS, tab) && change({ tab })}
        keepMounted={false}
      >
        <Tabs.List className={classes.tabs}>
          {tabsOf(run.data).map((tab) => (
            <Tabs.Tab key={tab} value={tab}>
              {TITLES[tab]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={search.tab}>{panelOf(run.data, search, change)}</Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

/** Only a pretraining has a health and scores of its checkpoints; an import never ran; only what trains leaves checkpoints and has views. */
function tabsOf(run: Run): readonly Tab[] {
  const lacks: readonly Tab[] = run.kind === "pretrain" ? [] : run.kind === "import" ? NEVER_RAN : TRAINS.includes(run.kind) ? NO_TRUNK : UNTRAINED;
  return TABS.filter((tab) => !lacks.includes(tab));
}

const TRAINS: readonly string[] = ["linear", "finetune"];
const NEVER_RAN: readonly Tab[] = ["charts", "health", "views", "logs"];
const NO_TRUNK: readonly Tab[] = ["health", "evaluations"];
const UNTRAINED: readonly Tab[] = [...NO_TRUNK, "checkpoints", "views"];

function panelOf(run: Run, search: RunSearch, change: (patch: Partial<RunSearch>) => void): ReactNode {
  const panels = {
    overview: () => <OverviewTab run={run} />,
    charts: () => (
      <ChartsTab run={run} search={search} onSearch={change} onCheckpoint={() => change({ tab: "checkpoints" })} />
    ),
    health: () => (
      <HealthTab run={run} search={search} onSearch={change} onCheckpoint={() => change({ tab: "checkpoints" })} />
    ),
    evaluations: () => <EvaluationsTab run={run} />,
    checkpoints: () => <CheckpointsTab run={run} isEvaluating={search.evaluate === true} onEvaluated={() => change({ evaluate: undefined })} />,
    views: () => <ViewsPanel source={{ run_id: run.id }} seed={run.seed} isEager columns={2} />,
    logs: () => <LogsTab run={run} search={search} onSearch={change} />,
    configuration: () => <ConfigurationTab run={run} />,
  } satisfies Record<Tab, () => ReactNode>;
  return panels[search.tab]();
}

function Waiting() {
  return (
    <Stack gap="md">
      <Skeleton h={36} w="40%" />
      <Skeleton h={20} w="65%" />
      <Skeleton h={420} />
    </Stack>
  );
}
