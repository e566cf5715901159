/** A run at work: how far, how long, how well, and on what. */
import { Group, Stack, Text } from "@mantine/core";

import { formatValue } from "@/charts/format";
import { Sparkline } from "@/charts/Sparkline";
import { ProgressWithEta } from "@/ui/ProgressWithEta";
import { RunLink } from "@/ui/RunLink";
import { KindBadge, StatePill } from "@/ui/StatePill";

import classes from "./Home.module.css";
import type { Run } from "./queries";

interface RunningCardProps {
  run: Run;
  /** The metric drawn, and its latest values. */
  metric: string | null;
  curve: (number | null)[];
  /** "host, device" that it holds. */
  where: string | null;
}

export function RunningCard({ run, metric, curve, where }: RunningCardProps) {
  return (
    <article className={`card ${classes.running}`}>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <span className="ellipsis">
          <RunLink run={run} isStrong />
        </span>
        <StatePill state={run.state} failure={run.failure} />
      </Group>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <KindBadge kind={run.kind} />
        <Text fz={12} c="dimmed" className="ellipsis">
          {[run.method, run.trunk, run.dataset?.name].filter(Boolean).join(" · ")}
        </Text>
      </Group>
      <Group justify="space-between" align="flex-end" wrap="nowrap" mih={40}>
        {metric ? (
          <>
            <Stack gap={0}>
              <Text fz={11.5} c="dimmed">
                {metric}
              </Text>
              <Text fz="lg" fw={620} lh={1.2}>
                {formatValue(run.summary[metric])}
              </Text>
            </Stack>
            {curve.length > 1 && <Sparkline values={curve} label={`${metric} of ${run.name}`} width={150} height={36} colour="var(--mantine-color-anchor)" />}
          </>
        ) : (
          <Text fz={12} c="dimmed">
            {run.phase ?? "No metric yet"}
          </Text>
        )}
      </Group>
      <ProgressWithEta progress={run.progress} etaS={run.eta_s} label={run.name} isMoving />
      <Text fz={11.5} c="dimmed" className="ellipsis">
        {[run.epochs !== null && run.epochs > 1 && `epoch ${Math.floor(run.epoch)} of ${run.epochs}`, where].filter(Boolean).join(" · ") || "\u00a0"}
      </Text>
    </article>
  );
}
