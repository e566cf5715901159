/** One metric: its curve with the values under the cursor, full screen if asked. */
import { ActionIcon, Group, Modal, Paper, Text, Tooltip, useComputedColorScheme } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconArrowsMaximize } from "@tabler/icons-react";
import { useMemo, useState } from "react";

import { runColour } from "@/charts/colours";
import { formatElapsed, formatEpoch, formatStep } from "@/charts/format";
import { type Series, splitLine, type XAxis } from "@/charts/lines";
import { LinePlot } from "@/charts/LinePlot";
import { type NamedLine, plotModel } from "@/charts/model";

import type { Checkpoint, Run } from "../queries";
import type { RunSearch } from "../search";
import { attemptMoments, checkpointMarks, originOf } from "./moments";
import { Readings } from "./Readings";

const X_FORMATS = {
  step: formatStep,
  epoch: (value: number | null) => (value === null ? "" : formatEpoch(value)),
  time: formatElapsed,
} satisfies Record<XAxis, (value: number | null) => string>;

interface MetricPanelProps {
  name: string;
  series: readonly Series[];
  run: Run;
  siblings: Run["seeds"];
  search: RunSearch;
  range: [number, number] | null;
  checkpoints: readonly Checkpoint[];
  onZoom: (range: [number, number]) => void;
  onReset: () => void;
  onCheckpoint: () => void;
}

export function MetricPanel(props: MetricPanelProps) {
  const [isLarge, { open, close }] = useDisclosure(false);
  return (
    <Paper className="card" p="xs" pb={4}>
      <Chart {...props} height={200} action={<Enlarge name={props.name} onClick={open} />} />
      <Modal opened={isLarge} onClose={close} size="90%" title={props.name} withinPortal>
        {isLarge && <Chart {...props} height={Math.round(window.innerHeight * 0.68)} action={null} />}
      </Modal>
    </Paper>
  );
}

function Enlarge({ name, onClick }: { name: string; onClick: () => void }) {
  return (
    <Tooltip label="Full screen">
      <ActionIcon size="sm" variant="subtle" color="gray" aria-label={`${name} full screen`} onClick={onClick}>
        <IconArrowsMaximize size={14} />
      </ActionIcon>
    </Tooltip>
  );
}

function Chart(props: MetricPanelProps & { height: number; action: React.ReactNode }) {
  const { name, run, search, range, checkpoints, height, action } = props;
  const scheme = useComputedColorScheme("light");
  const [row, setRow] = useState<number | null>(null);
  const lines = useNamedLines(props, scheme);
  const model = useMemo(
    () => plotModel(lines, { smoothing: search.smooth, isLog: search.log ?? false, scheme }),
    [lines, search.smooth, search.log, scheme],
  );
  const main = lines.at(-1)?.current;
  const marks = useMemo(() => checkpointMarks(checkpoints, run, search.x, main), [checkpoints, run, search.x, main]);
  const moments = useMemo(() => attemptMoments(run, search.x), [run, search.x]);
  return (
    <>
      <Group justify="space-between" wrap="nowrap" gap={4}>
        <Text size="sm" fw={600} truncate title={name}>
          {name}
        </Text>
        {action}
      </Group>
      <Readings model={model} lines={lines} row={row} axis={search.x} formatX={X_FORMATS[search.x]} />
      <LinePlot
        model={model}
        label={`${name} by ${search.x}`}
        scheme={scheme}
        height={height}
        isLog={search.log}
        formatX={X_FORMATS[search.x]}
        range={range}
        syncKey={`run-${run.id}`}
        marks={marks}
        moments={moments}
        onZoom={props.onZoom}
        onReset={props.onReset}
        onCursor={setRow}
        onMark={props.onCheckpoint}
      />
    </>
  );
}

/** Curves of the other seeds, and the run's own on top of them. */
function useNamedLines({ series, run, siblings, search }: MetricPanelProps, scheme: "light" | "dark"): NamedLine[] {
  return useMemo(() => {
    const names = new Map(siblings.map(({ id, name }) => [id, name]));
    const sorted = [...series].sort((a, b) => Number(a.run_id === run.id) - Number(b.run_id === run.id));
    return sorted.map((one) => ({
      ...splitLine(one, search.x, one.run_id === run.id ? originOf(run) : (one.time[0] ?? 0)),
      label: names.get(one.run_id) ?? run.name,
      colour: runColour(one.run_id, scheme),
      isMain: one.run_id === run.id,
    }));
  }, [series, run, siblings, search.x, scheme]);
}
