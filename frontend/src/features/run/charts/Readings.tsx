/** The values under the cursor, or the last ones: one for each curve, with the bounds of its bucket. */
import { Group, Text } from "@mantine/core";

import { formatValue } from "@/charts/format";
import type { XAxis } from "@/charts/lines";
import { type NamedLine, nearest, type PlotModel, type Stroke } from "@/charts/model";

import classes from "./Readings.module.css";

interface ReadingsProps {
  model: PlotModel;
  lines: readonly NamedLine[];
  row: number | null;
  axis: XAxis;
  formatX: (value: number | null) => string;
}

export function Readings({ model, lines, row, axis, formatX }: ReadingsProps) {
  const at = row ?? model.x.length - 1;
  return (
    <Group gap={10} className={classes.readings}>
      <Text span size="xs" c="dimmed">
        {axis} {formatX(model.x[at] ?? null)}
      </Text>
      {inOrder(lines).map(([line, curve]) => (
        <Text key={line.label} span size="xs" title={line.label}>
          <span className={classes.dot} style={{ background: line.colour }} />
          <b>{formatValue(valueAt(model, curve, at))}</b>
          {boundsWords(model, curve, at)}
        </Text>
      ))}
    </Group>
  );
}

/** The run's own first, though it is drawn last; each with its place in the model. */
function inOrder(lines: readonly NamedLine[]): [NamedLine, number][] {
  return lines.map((line, curve): [NamedLine, number] => [line, curve]).reverse();
}

/** What is drawn bold: the smoothed value where there is one. */
function valueAt(model: PlotModel, curve: number, row: number): number | null {
  const column = columnOf(model, curve, "smooth") ?? columnOf(model, curve, "raw");
  return column ? nearest(column, row) : null;
}

function boundsWords(model: PlotModel, curve: number, row: number): string {
  const [low, high] = [columnOf(model, curve, "low")?.[row], columnOf(model, curve, "high")?.[row]];
  return low == null || high == null || low === high ? "" : ` (${formatValue(low)} to ${formatValue(high)})`;
}

function columnOf(model: PlotModel, curve: number, role: Stroke["role"]) {
  return model.columns[model.strokes.findIndex((stroke) => stroke.curve === curve && stroke.role === role)];
}
