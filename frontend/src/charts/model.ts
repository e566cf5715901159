/** From lines to uPlot's table: one x column, and for every curve its band, raw and smoothed columns. */
import { type Scheme, faint } from "./colours";
import { brokenLine, type Line, positiveOnly, type SplitLine, supersededSpans } from "./lines";
import { smoothed } from "./smoothing";

/** A value, a gap (null), or nothing known at this x of another curve (undefined: the line goes on). */
export type Cell = number | null | undefined;

export interface Stroke {
  role: "superseded" | "low" | "high" | "raw" | "smooth";
  curve: number;
  colour: string;
  width: number;
  dash?: number[];
}

export interface NamedLine extends SplitLine {
  label: string;
  colour: string;
  isMain: boolean;
}

export interface PlotModel {
  x: number[];
  columns: Cell[][];
  strokes: Stroke[];
  /** Pairs of columns, high and low, whose space between is filled. */
  bands: { high: number; low: number; fill: string }[];
  spans: [number, number][];
}

export interface PlotSettings {
  smoothing: number;
  isLog: boolean;
  scheme: Scheme;
}

/** Everything to draw of some curves, main curve last so that it lies on top. */
export function plotModel(lines: readonly NamedLine[], settings: PlotSettings): PlotModel {
  const drawn = lines.flatMap((line, curve) => tablesOf(line, curve, settings));
  const x = unionOf(drawn.map(({ x }) => x));
  return {
    x,
    columns: drawn.map((one) => spread(one.x, one.y, x)),
    strokes: drawn.map(({ stroke }) => stroke),
    bands: bandsOf(drawn.map(({ stroke }) => stroke)),
    spans: lines.filter(({ isMain }) => isMain).flatMap(supersededSpans),
  };
}

interface Drawn {
  x: number[];
  y: (number | null)[];
  stroke: Stroke;
}

function tablesOf(named: NamedLine, curve: number, settings: PlotSettings): Drawn[] {
  const shown = (line: Line) => (settings.isLog ? positiveOnly(line) : line);
  const [current, superseded] = [shown(named.current), shown(named.superseded)];
  const { colour, isMain } = named;
  const isSmooth = settings.smoothing > 0;
  const width = isMain ? 2 : 1.25;
  const drawn: Drawn[] = [
    { x: current.x, y: current.high, stroke: { role: "high", curve, colour, width: 0 } },
    { x: current.x, y: current.low, stroke: { role: "low", curve, colour, width: 0 } },
    rawOf(current, curve, isSmooth ? faint(colour, 0.35) : colour, isSmooth ? 1 : width),
  ];
  if (superseded.x.length) {
    const { x, value } = brokenLine({ current, superseded });
    drawn.push({
      x,
      y: value,
      stroke: { role: "superseded", curve, colour: faint(colour, 0.5), width: 1, dash: [3, 3] },
    });
  }
  if (isSmooth) {
    const y = smoothed(current.value, settings.smoothing);
    drawn.push({ x: current.x, y, stroke: { role: "smooth", curve, colour, width } });
  }
  return drawn;
}

function rawOf(line: Line, curve: number, colour: string, width: number): Drawn {
  return { x: line.x, y: line.value, stroke: { role: "raw", curve, colour, width } };
}

function bandsOf(strokes: readonly Stroke[]): PlotModel["bands"] {
  return strokes.flatMap((stroke, place) =>
    stroke.role === "high" ? [{ high: place, low: place + 1, fill: faint(stroke.colour, 0.16) }] : [],
  );
}

function unionOf(columns: readonly number[][]): number[] {
  return [...new Set(columns.flat())].sort((a, b) => a - b);
}

/** The column `y` over `x`, laid out over the longer `all`. */
function spread(x: readonly number[], y: readonly (number | null)[], all: readonly number[]): Cell[] {
  if (x.length === all.length) return [...y];
  const column: Cell[] = new Array<Cell>(all.length).fill(undefined);
  let place = 0;
  for (let row = 0; row < all.length && place < x.length; row++) {
    if (all[row] === x[place]) column[row] = y[place++];
  }
  return column;
}

/** The value of a column at a row, or the nearest known one before it, else after it. */
export function nearest(column: readonly Cell[], row: number): number | null {
  for (let place = row; place >= 0; place--) {
    const value = column[place];
    if (value != null) return value;
  }
  return column.slice(row).find((value) => value != null) ?? null;
}

/** The y at an x on a line, between its neighbours; null outside of it. */
export function heightAt(line: Line, x: number): number | null {
  const after = line.x.findIndex((one) => one >= x);
  if (after < 0) return null;
  if (line.x[after] === x) return line.value[after] ?? null;
  if (after === 0) return null;
  const [x0, x1] = [line.x[after - 1] ?? x, line.x[after] ?? x];
  const [y0, y1] = [line.value[after - 1], line.value[after]];
  return y0 == null || y1 == null ? null : y0 + ((x - x0) / (x1 - x0)) * (y1 - y0);
}
