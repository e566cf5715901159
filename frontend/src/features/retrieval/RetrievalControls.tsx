/** Which checkpoint answers, which queries are shown, and how many neighbours. */
import { Box, Group, Pagination, Paper, Select, Slider, Stack, Switch, Text } from "@mantine/core";

import { formatEpoch, formatScore } from "@/charts/format";
import { ClockControls } from "@/media/ClockContext";

import type { QueryFilter } from "./filter";
import type { Sibling } from "./queries";

interface CheckpointSliderProps {
  siblings: readonly Sibling[];
  runId: number;
  onChoose: (runId: number) => void;
}

/** Stops at every measured checkpoint; the same queries are ranked again. */
export function CheckpointSlider({ siblings, runId, onChoose }: CheckpointSliderProps) {
  const place = siblings.findIndex((sibling) => sibling.run_id === runId);
  const last = siblings.length - 1;
  if (last < 1) return null;
  const labelled = (stop: number) => stop === 0 || stop === last || siblings.length <= 8;
  return (
    <Box pb="lg" px="xl">
      <Text size="sm" fw={600} id="checkpoint-slider">
        Checkpoint
      </Text>
      <Slider
        aria-labelledby="checkpoint-slider"
        thumbLabel="Checkpoint"
        min={0}
        max={last}
        step={1}
        value={Math.max(0, place)}
        onChange={(stop) => siblings[stop] && onChoose(siblings[stop].run_id)}
        label={(stop) => stopWords(siblings[stop])}
        marks={siblings.map((sibling, value) => ({ value, label: labelled(value) ? epochWords(sibling) : undefined }))}
      />
    </Box>
  );
}

function epochWords({ step, epoch }: Sibling): string {
  if (step > 0 && epoch === 0) return "imported";
  return step === 0 ? "untrained" : `epoch ${formatEpoch(epoch)}`;
}

function stopWords(sibling: Sibling | undefined): string {
  return sibling ? `${epochWords(sibling)}: R@1 ${formatScore(sibling.values["R@1"])}` : "";
}

interface FilterBarProps {
  filter: QueryFilter;
  classes: readonly string[];
  mostNeighbours: number;
  onChange: (patch: Partial<QueryFilter>) => void;
}

export function FilterBar({ filter, classes, mostNeighbours, onChange }: FilterBarProps) {
  return (
    <Paper className="card" p="sm">
      <Group gap="md" align="end">
        <ClockControls />
        <Select
          label="Class"
          placeholder="All classes"
          size="xs"
          w={160}
          clearable
          searchable
          data={[...classes]}
          value={filter.label ?? null}
          onChange={(label) => onChange({ label: label ?? undefined, page: undefined })}
        />
        <Stack gap={2} w={130}>
          <Text size="xs" fw={500}>
            Neighbours: {Math.min(filter.k, mostNeighbours)}
          </Text>
          <Slider
            size="sm"
            thumbLabel="Neighbours"
            label={null}
            min={1}
            max={Math.min(25, mostNeighbours)}
            value={Math.min(filter.k, mostNeighbours)}
            onChange={(k) => onChange({ k })}
          />
        </Stack>
        <Switch
          size="sm"
          label="Only failures"
          title="Queries whose nearest clip has another class"
          checked={filter.failures}
          onChange={(event) => onChange({ failures: event.currentTarget.checked || undefined, page: undefined })}
        />
      </Group>
    </Paper>
  );
}

interface PagerProps {
  total: number;
  size: number;
  page: number;
  onPage: (page: number) => void;
}

export function Pager({ total, size, page, onPage }: PagerProps) {
  const pages = Math.max(1, Math.ceil(total / size));
  return (
    <Group justify="space-between">
      <Text size="sm" c="dimmed">
        {total === 0 ? "No queries" : `Queries ${(page - 1) * size + 1}–${Math.min(total, page * size)} of ${total}`}
        {pages > 1 && " (← and → turn the page)"}
      </Text>
      {pages > 1 && (
        <Pagination
          size="sm"
          total={pages}
          value={page}
          onChange={onPage}
          getControlProps={(control) => ({ "aria-label": `${control} page` })}
        />
      )}
    </Group>
  );
}
