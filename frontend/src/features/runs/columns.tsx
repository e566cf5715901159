/** The columns of the table of runs. */
import { Anchor, Badge, Group, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";

import { formatElapsed, formatScore, formatValue } from "@/charts/format";
import type { Column } from "@/ui/DataTable";
import { counted, formatBytes } from "@/ui/format";
import { ProgressWithEta } from "@/ui/ProgressWithEta";
import { RunLink } from "@/ui/RunLink";
import { scoreName } from "@/ui/scores";
import { KindBadge, StatePill } from "@/ui/StatePill";
import { When } from "@/ui/When";

import type { Run } from "./queries";

export const RUN_COLUMNS: readonly Column<Run>[] = [
  { id: "number", header: "#", width: 52, sortKey: "id", cell: ({ id }) => <Text c="dimmed" fz="inherit" span>{id}</Text> },
  { id: "name", header: "Run", width: 230, isMain: true, sortKey: "name", cell: (run) => <Name run={run} /> },
  { id: "state", header: "State", width: 150, sortKey: "state", cell: (run) => <StatePill state={run.state} failure={run.failure} hint={run.waits_for} /> },
  { id: "progress", header: "Progress", width: 108, sortKey: "progress", cell: (run) => <ProgressWithEta progress={run.progress} etaS={run.eta_s} label={run.name} isMoving={run.ended_at === null && run.started_at !== null} /> },
  { id: "kind", header: "Kind", width: 116, sortKey: "kind", cell: ({ kind }) => <KindBadge kind={kind} /> },
  score("top1"),
  score("R@1"),
  { id: "duration", header: "Duration", width: 90, align: "right", sortKey: "duration", cell: ({ duration_s }) => (duration_s === null ? "–" : formatElapsed(duration_s)) },
  { id: "method", header: "Method", width: 80, cell: ({ method }) => method ?? "–" },
  { id: "trunk", header: "Trunk", width: 84, cell: ({ trunk }) => trunk ?? "–" },
  { id: "dataset", header: "Data set", width: 120, cell: ({ dataset }) => (dataset ? <DatasetLink {...dataset} /> : "–") },
  { id: "experiment", header: "Experiment", width: 120, cell: ({ experiment }) => <span className="ellipsis">{experiment.name}</span> },
  { id: "loss", header: "Loss", width: 80, align: "right", cell: ({ summary }) => formatValue(summary["train/loss"]) },
  { id: "checkpoints", header: "Checkpoints", width: 120, align: "right", cell: (run) => (run.num_checkpoints ? `${run.num_checkpoints} · ${formatBytes(run.checkpoint_bytes)}` : "–") },
  { id: "created", header: "Created", width: 104, sortKey: "created_at", cell: ({ created_at }) => <When at={created_at} /> },
  { id: "owner", header: "Owner", width: 90, cell: ({ owner }) => owner ?? "–" },
  { id: "attempt", header: "Attempt", width: 70, align: "right", cell: ({ attempt }) => attempt },
  { id: "seed", header: "Seed", width: 70, align: "right", cell: ({ seed }) => seed },
  { id: "tags", header: "Tags", width: 140, cell: ({ tags }) => <TagList tags={tags} /> },
];

function score(key: string): Column<Run> {
  return { id: key, header: scoreName(key), width: 78, align: "right", cell: ({ summary }) => formatScore(summary[key] ?? summary[`val/${key}`]) };
}

function Name({ run }: { run: Run }) {
  return (
    <Stack gap={0}>
      <span className="ellipsis">
        <RunLink run={run} isStrong />
      </span>
      {run.parent && (
        <Text fz={11} c="dimmed" className="ellipsis">
          of <RunLink run={run.parent} />
          {run.checkpoint && (run.checkpoint.step === 0 ? ", untrained" : `, epoch ${Math.round(run.checkpoint.epoch * 100) / 100}`)}
        </Text>
      )}
    </Stack>
  );
}

function DatasetLink({ id, name }: { id: number; name: string }) {
  return (
    <Anchor component={Link} to={`/datasets/${id}`} fz="inherit">
      {name}
    </Anchor>
  );
}

function TagList({ tags }: { tags: readonly string[] }) {
  if (tags.length === 0) return "–";
  return (
    <Group gap={4} wrap="nowrap" title={counted(tags.length, "tag")}>
      {tags.map((tag) => (
        <Badge key={tag} variant="default" size="sm" tt="none" fw={500}>
          {tag}
        </Badge>
      ))}
    </Group>
  );
}
