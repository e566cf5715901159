/** Every metric of a run, in sections by prefix; the address carries how they are shown. */
import { Alert, Button, ColorSwatch, Group, Skeleton, Stack, Text, useComputedColorScheme } from "@mantine/core";
import { IconZoomReset } from "@tabler/icons-react";
import { useMemo } from "react";

import { runColour } from "@/charts/colours";
import { ErrorBox } from "@/ui/ErrorBox";
import { useCheckpoints, useSeriesList, type Run } from "../queries";
import { rangeIn, type RunSearch } from "../search";
import { ChartSection } from "./ChartSection";
import { ChartSettings } from "./ChartSettings";
import { sectionsOf } from "./sections";

interface ChartsTabProps {
  run: Run;
  search: RunSearch;
  onSearch: (patch: Partial<RunSearch>) => void;
  onCheckpoint: () => void;
}

export function ChartsTab({ run, search, onSearch, onCheckpoint }: ChartsTabProps) {
  const list = useSeriesList(run.id);
  const checkpoints = useCheckpoints(run.id);
  const sections = useMemo(
    () => sectionsOf((list.data ?? []).map(({ key }) => key), search.find ?? ""),
    [list.data, search.find],
  );
  if (list.error && !list.data) return <ErrorBox error={list.error} />;
  if (!list.data) return <Skeleton h={400} />;
  if (list.data.length === 0) return <NoMetrics run={run} />;

  const closed = new Set(search.closed?.split(",") ?? []);
  const toggle = (prefix: string) => {
    const next = closed.has(prefix) ? [...closed].filter((one) => one !== prefix) : [...closed, prefix];
    onSearch({ closed: next.join(",") || undefined });
  };
  return (
    <Stack gap="md">
      <ChartSettings run={run} search={search} onSearch={onSearch} />
      {search.seeds && run.seeds.length > 0 && <SeedLegend runs={[run, ...run.seeds]} />}
      {rangeIn(search) && <ZoomNote onReset={() => onSearch({ from: undefined, to: undefined })} />}
      {sections.length === 0 && <Text c="dimmed">No metric has “{search.find}” in its name.</Text>}
      {sections.map((section) => (
        <ChartSection
          key={section.prefix}
          section={section}
          isOpen={!closed.has(section.prefix)}
          onToggle={() => toggle(section.prefix)}
          run={run}
          search={search}
          checkpoints={checkpoints.data?.items ?? []}
          onZoom={([from, to]) => onSearch({ from: short(from), to: short(to) })}
          onReset={() => onSearch({ from: undefined, to: undefined })}
          onCheckpoint={onCheckpoint}
        />
      ))}
    </Stack>
  );
}

/** Six digits are finer than a pixel, and keep the address short. */
function short(x: number): number {
  return Number(x.toPrecision(6));
}

function NoMetrics({ run }: { run: Run }) {
  return (
    <Alert color="gray" title="No metrics yet">
      {run.waits_for ?? "The first points appear a moment after the first step of the training."}
    </Alert>
  );
}

function SeedLegend({ runs }: { runs: readonly { id: number; name: string }[] }) {
  const scheme = useComputedColorScheme("light");
  return (
    <Group gap="md">
      {runs.map(({ id, name }) => (
        <Group key={id} gap={6}>
          <ColorSwatch size={10} color={runColour(id, scheme)} withShadow={false} />
          <Text size="xs">{name}</Text>
        </Group>
      ))}
    </Group>
  );
}

function ZoomNote({ onReset }: { onReset: () => void }) {
  return (
    <Group gap="xs">
      <Text size="sm" c="dimmed">
        Zoomed in, with finer points from the server. A double click goes back.
      </Text>
      <Button size="compact-xs" variant="default" leftSection={<IconZoomReset size={14} />} onClick={onReset}>
        Show all
      </Button>
    </Group>
  );
}
