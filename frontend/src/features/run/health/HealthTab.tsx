/** How the method is doing by its own signs: a verdict with its reason, what a step waits for, and the curves. */
import { Alert, SimpleGrid, Skeleton, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck, IconHourglass } from "@tabler/icons-react";

import { ErrorBox } from "@/ui/ErrorBox";

import { ChartSection } from "../charts/ChartSection";
import { type Run, useCheckpoints, useSeriesList } from "../queries";
import { rangeIn, type RunSearch } from "../search";
import { signSections, toneOf } from "./signs";

interface HealthTabProps {
  run: Run;
  search: RunSearch;
  onSearch: (patch: Partial<RunSearch>) => void;
  onCheckpoint: () => void;
}

export function HealthTab({ run, search, onSearch, onCheckpoint }: HealthTabProps) {
  const list = useSeriesList(run.id);
  const checkpoints = useCheckpoints(run.id);
  if (list.error && !list.data) return <ErrorBox error={list.error} />;
  if (!list.data) return <Skeleton h={400} />;
  const sections = signSections(list.data.map(({ key }) => key));
  return (
    <Stack gap="md">
      <Verdict run={run} />
      {sections.length === 0 && (
        <Text c="dimmed" size="sm">
          The curves appear a moment after the first measured step.
        </Text>
      )}
      {rangeIn(search) && (
        <Text size="sm" c="dimmed">
          Zoomed in. A double click shows all again.
        </Text>
      )}
      {sections.map((section) => (
        <ChartSection
          key={section.prefix}
          section={section}
          isOpen
          onToggle={null}
          run={run}
          search={search}
          checkpoints={checkpoints.data?.items ?? []}
          onZoom={([from, to]) => onSearch({ from: Number(from.toPrecision(6)), to: Number(to.toPrecision(6)) })}
          onReset={() => onSearch({ from: undefined, to: undefined })}
          onCheckpoint={onCheckpoint}
        />
      ))}
    </Stack>
  );
}

const ICONS = { well: IconCircleCheck, unknown: IconHourglass, ill: IconAlertTriangle };
const COLOURS = { well: "green", unknown: "gray", ill: "orange" };

function Verdict({ run: { health } }: { run: Run }) {
  if (!health) return null;
  const tone = toneOf(health.verdict);
  const Icon = ICONS[tone];
  const pace = health.binding === "compute-bound" ? "well" : "ill";
  const PaceIcon = ICONS[pace];
  return (
    <SimpleGrid cols={{ base: 1, md: health.pace ? 2 : 1 }}>
      <Alert color={COLOURS[tone]} icon={<Icon aria-hidden />} title={sentence(health.verdict)}>
        {health.reason}
      </Alert>
      {health.pace && (
        <Alert color={COLOURS[pace]} icon={<PaceIcon aria-hidden />} title="What a step waits for">
          {health.pace}
        </Alert>
      )}
    </SimpleGrid>
  );
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
