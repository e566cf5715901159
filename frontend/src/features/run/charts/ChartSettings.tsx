/** How all panels are drawn. */
import { Group, Paper, SegmentedControl, Slider, Stack, Switch, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";

import type { XAxis } from "@/charts/lines";

import type { Run } from "../queries";
import type { RunSearch } from "../search";

const AXES: { value: XAxis; label: string }[] = [
  { value: "step", label: "Step" },
  { value: "epoch", label: "Epoch" },
  { value: "time", label: "Time" },
];

interface ChartSettingsProps {
  run: Run;
  search: RunSearch;
  onSearch: (patch: Partial<RunSearch>) => void;
}

export function ChartSettings({ run, search, onSearch }: ChartSettingsProps) {
  const [find, setFind] = useState(search.find ?? "");
  const tellFind = useDebouncedCallback((text: string) => onSearch({ find: text || undefined }), 200);
  return (
    <Paper className="card" p="sm">
      <Group gap="lg" align="end">
        <TextInput
          label="Panels"
          placeholder="Search metrics"
          size="xs"
          w={190}
          leftSection={<IconSearch size={14} aria-hidden />}
          value={find}
          onChange={(event) => {
            setFind(event.currentTarget.value);
            tellFind(event.currentTarget.value);
          }}
        />
        <Stack gap={3}>
          <Text size="xs" fw={500}>
            X axis
          </Text>
          <SegmentedControl
            size="xs"
            aria-label="X axis"
            data={AXES}
            value={search.x}
            onChange={(x) => onSearch({ x: x as XAxis, from: undefined, to: undefined })}
          />
        </Stack>
        <Smoothing value={search.smooth} onChange={(smooth) => onSearch({ smooth: smooth || undefined })} />
        <Switch
          size="xs"
          label="Log y"
          checked={search.log ?? false}
          onChange={(event) => onSearch({ log: event.currentTarget.checked || undefined })}
        />
        {run.seeds.length > 0 && (
          <Switch
            size="xs"
            label={`Other seeds (${run.seeds.length})`}
            checked={search.seeds ?? false}
            onChange={(event) => onSearch({ seeds: event.currentTarget.checked || undefined })}
          />
        )}
      </Group>
    </Paper>
  );
}

/** It follows the hand at once, and the address when the hand lets go. */
function Smoothing({ value, onChange }: { value: number; onChange: (value: number) => void }) {
  const [shown, setShown] = useState(value);
  return (
    <Stack gap={2} w={180}>
      <Text size="xs" fw={500}>
        Smoothing: {shown === 0 ? "none" : shown.toFixed(2)}
      </Text>
      <Slider
        size="sm"
        thumbLabel="Smoothing"
        label={null}
        min={0}
        max={0.99}
        step={0.01}
        value={shown}
        onChange={setShown}
        onChangeEnd={onChange}
      />
    </Stack>
  );
}
