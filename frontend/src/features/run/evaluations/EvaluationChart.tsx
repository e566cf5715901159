/** One protocol's scores of each checkpoint; the untrained one's is the line to beat. */
import { Group, Paper, Text, Title, useComputedColorScheme } from "@mantine/core";
import { useMemo, useState } from "react";

import { formatEpoch } from "@/charts/format";
import { LinePlot } from "@/charts/LinePlot";
import { type NamedLine, nearest, plotModel } from "@/charts/model";

import { scoreName } from "@/ui/scores";
import type { EvaluationCurve } from "../queries";
import classes from "./EvaluationChart.module.css";
import { scoredPoints, scoreLines } from "./scores";

interface EvaluationChartProps {
  curve: EvaluationCurve;
  epochs: number | null;
  onPoint: (runId: number) => void;
}

export function EvaluationChart({ curve, epochs, onPoint }: EvaluationChartProps) {
  const scheme = useComputedColorScheme("light");
  const [row, setRow] = useState<number | null>(null);
  const lines = useMemo(() => scoreLines(curve, scheme), [curve, scheme]);
  const model = useMemo(() => plotModel(lines, { smoothing: 0, isLog: false, scheme }), [lines, scheme]);
  const at = row ?? model.x.length - 1;
  const moments = useMemo(() => (model.x[0] === 0 ? [{ x: 0, label: "untrained" }] : []), [model]);
  const values = lines.map((_, place) => valueOf(model, place, at));
  return (
    <Paper className="card" p="md" component="section" aria-label={curve.protocol_words}>
      <Title order={2} size="h5">
        {curve.protocol_words}
      </Title>
      <Text size="xs" c="dimmed">
        {curve.dataset && `On ${curve.dataset}. `}Scores in per cent over the pretraining's epochs; a point opens its evaluation.
      </Text>
      <Legend lines={lines} values={values} epoch={model.x[at]} />
      <LinePlot
        model={model}
        label={`${curve.protocol_words} over epochs`}
        scheme={scheme}
        height={230}
        hasPoints
        formatX={epochTick}
        range={epochs ? [-0.02 * epochs, epochs * 1.02] : null}
        marks={marksOf(curve, lines[0])}
        moments={moments}
        onCursor={setRow}
        onMark={onPoint}
      />
    </Paper>
  );
}

function epochTick(value: number | null): string {
  return value === null || value < 0 ? "" : formatEpoch(value);
}

function valueOf(model: ReturnType<typeof plotModel>, curve: number, row: number): number | null {
  const place = model.strokes.findIndex((stroke) => stroke.curve === curve && stroke.role === "raw");
  return nearest(model.columns[place] ?? [], row);
}

/** The points of the first score can be clicked. */
function marksOf(curve: EvaluationCurve, line: NamedLine | undefined) {
  if (!line) return [];
  return scoredPoints(curve, line.label).map(({ run_id, epoch, values }) => ({
    id: run_id,
    x: epoch,
    y: (values[line.label] ?? 0) * 100,
    label: `${scoreName(line.label)} ${((values[line.label] ?? 0) * 100).toFixed(1)} % at epoch ${formatEpoch(epoch)}: open the evaluation`,
  }));
}

interface LegendProps {
  lines: readonly NamedLine[];
  values: readonly (number | null)[];
  epoch: number | undefined;
}

function Legend({ lines, values, epoch }: LegendProps) {
  return (
    <Group gap="md" mt={4} mih={22}>
      <Text size="xs" c="dimmed">
        {epoch === undefined ? "" : `epoch ${formatEpoch(epoch)}`}
      </Text>
      {lines.map(({ label, colour }, place) => (
        <Text key={label} size="xs">
          <span className={classes.dot} style={{ background: colour }} />
          {scoreName(label)} <b>{values[place]?.toFixed(1) ?? "–"}</b>
        </Text>
      ))}
    </Group>
  );
}
