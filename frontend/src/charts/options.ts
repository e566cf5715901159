/** How uPlot is asked to draw a model: axes, scales, strokes, bands and the cursor. */
import type uPlot from "uplot";

import { inkOf, type Scheme } from "./colours";
import { formatTicks } from "./format";
import type { PlotModel, Stroke } from "./model";

export interface Look {
  width: number;
  height: number;
  scheme: Scheme;
  isLog: boolean;
  formatX: (value: number | null) => string;
  formatY?: (value: number | null) => string;
  hasPoints?: boolean;
  syncKey?: string;
  /** Where x begins and ends; null takes what the data have. */
  range: () => readonly [number, number] | null;
}

export interface Hands {
  onZoom: (range: [number, number]) => void;
  onReset: () => void;
  onCursor: (row: number | null) => void;
}

export function optionsOf(model: PlotModel, look: Look, hands: Hands, plugins: uPlot.Plugin[]): uPlot.Options {
  return {
    width: look.width,
    height: look.height,
    legend: { show: false },
    padding: [8, 18, 0, 0],
    plugins,
    cursor: cursorOf(look, hands),
    scales: {
      x: { time: false, range: (_, from, to) => rangeOf(look.range(), from, to) },
      y: look.isLog ? { distr: 3 } : { range: { min: { pad: 0.08, soft: 0, mode: 3 }, max: { pad: 0.08, mode: 0 } } },
    },
    series: [{}, ...model.strokes.map((stroke) => seriesOf(stroke, look))],
    bands: model.bands.map(({ high, low, fill }) => ({ series: [high + 1, low + 1], fill })),
    axes: [
      { ...axisOf(look, each(look.formatX)), size: 22 },
      { ...axisOf(look, look.formatY ? each(look.formatY) : formatTicks), size: (_, words) => widthOf(words), space: 28 },
    ],
    hooks: {
      setCursor: [(plot) => hands.onCursor(plot.cursor.idx ?? null)],
      setSelect: [(plot) => zoomed(plot, hands)],
    },
  };
}

/** A single x still needs a width, or uPlot draws nothing. */
function rangeOf(asked: readonly [number, number] | null, from: number, to: number): [number, number] {
  const [low, high] = asked ?? [from, to];
  if (low == null || high == null) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

function cursorOf(look: Look, hands: Hands): uPlot.Cursor {
  return {
    y: false,
    points: { show: false },
    drag: { x: true, y: false, setScale: false, uni: 6 },
    ...(look.syncKey && { sync: { key: look.syncKey, setSeries: false, scales: ["x", null] } }),
    bind: {
      dblclick: () => () => {
        hands.onReset();
        return null;
      },
    },
  };
}

function zoomed(plot: uPlot, hands: Hands): void {
  const { left, width } = plot.select;
  if (width < 4) return;
  const range: [number, number] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  hands.onZoom(range);
}

function seriesOf(stroke: Stroke, look: Look): uPlot.Series {
  const isEdge = stroke.role === "high" || stroke.role === "low";
  return {
    width: isEdge ? 0 : stroke.width,
    ...(!isEdge && { stroke: stroke.colour }),
    ...(stroke.dash && { dash: stroke.dash }),
    points: pointsOf(stroke, look, isEdge),
  };
}

function pointsOf(stroke: Stroke, look: Look, isEdge: boolean): uPlot.Series.Points {
  if (isEdge || stroke.role === "smooth") return { show: false };
  if (look.hasPoints) return { show: true, size: 7, fill: stroke.colour, stroke: stroke.colour };
  return { size: 4, fill: stroke.colour };
}

const each =
  (format: (value: number | null) => string) =>
  (values: readonly (number | null)[]): string[] =>
    values.map(format);

/** Pixels for the longest of the words. */
function widthOf(words: readonly string[] | null): number {
  const longest = Math.max(0, ...(words ?? []).map((word) => word.length));
  return Math.max(52, 10 + longest * 7);
}

function axisOf(look: Look, format: (values: readonly (number | null)[]) => string[]): uPlot.Axis {
  const ink = inkOf(look.scheme);
  return {
    gap: 4,
    font: "11px system-ui, sans-serif",
    stroke: ink.text,
    grid: { stroke: ink.grid, width: 1 },
    ticks: { show: false },
    values: (_, splits) => format(splits),
  };
}
