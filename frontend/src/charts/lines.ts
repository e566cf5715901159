/** From the buckets that the server sends to the columns that a chart draws. */
import type { Schemas } from "@/api/client";

export type Series = Schemas["SeriesView"];
export type XAxis = "step" | "epoch" | "time";

/** One curve, x rising, columns of equal length. `low` and `high` bound every point of a bucket. */
export interface Line {
  x: number[];
  value: (number | null)[];
  low: (number | null)[];
  high: (number | null)[];
}

/** What is drawn of one series: what counts, and what a later attempt went over again. */
export interface SplitLine {
  current: Line;
  superseded: Line;
}

/** Columns of a series along an axis; `origin` is the run's start in Unix seconds, for the axis of time. */
export function splitLine(series: Series, axis: XAxis, origin: number): SplitLine {
  const x = axis === "time" ? series.time.map((time) => time - origin) : series[axis];
  return {
    current: lineOf(series, x, (place) => !series.superseded[place]),
    superseded: lineOf(series, x, (place) => series.superseded[place] === true),
  };
}

function lineOf(series: Series, x: readonly number[], isPart: (place: number) => boolean): Line {
  const places = x.map((_, place) => place).filter(isPart);
  places.sort((a, b) => (x[a] ?? 0) - (x[b] ?? 0));
  const line: Line = { x: [], value: [], low: [], high: [] };
  for (const place of places) append(line, x[place] ?? 0, series, place);
  return line;
}

/** Buckets at the same x become one, whose bounds hold both. */
function append(line: Line, x: number, series: Series, place: number): void {
  const end = line.x.length - 1;
  const [value, low, high] = [series.last[place], series.min[place], series.max[place]];
  if (end >= 0 && line.x[end] === x) {
    line.value[end] = value ?? null;
    line.low[end] = lesser(line.low[end], low);
    line.high[end] = greater(line.high[end], high);
    return;
  }
  line.x.push(x);
  line.value.push(value ?? null);
  line.low.push(low ?? null);
  line.high.push(high ?? null);
}

type Maybe = number | null | undefined;

function lesser(a: Maybe, b: Maybe): number | null {
  return a == null || b == null ? (a ?? b ?? null) : Math.min(a, b);
}

function greater(a: Maybe, b: Maybe): number | null {
  return a == null || b == null ? (a ?? b ?? null) : Math.max(a, b);
}

/** The line with what a logarithm cannot show left out. */
export function positiveOnly(line: Line): Line {
  const keep = (value: number | null) => (value !== null && value > 0 ? value : null);
  const low = line.low.map(keep);
  return {
    x: line.x,
    value: line.value.map(keep),
    low,
    high: line.high.map((value, place) => (low[place] === null ? null : keep(value))),
  };
}

/** In one stretch, points that count lie between the others one by one; more of them are a stretch done once. */
const MOST_BETWEEN = 2;

/** Stretches of x that a later attempt went over again, as [from, to]. */
export function supersededSpans({ current, superseded }: SplitLine): [number, number][] {
  const spans: [number, number][] = [];
  let passed = 0;
  for (const x of superseded.x) {
    const known = passed;
    while ((current.x[passed] ?? Infinity) < x) passed++;
    const last = spans.at(-1);
    if (last && passed - known <= MOST_BETWEEN + Number(current.x[known] === last[1])) last[1] = x;
    else spans.push([x, x]);
  }
  return spans;
}

/** The superseded line, broken where a stretch ends that was done once. */
export function brokenLine({ current, superseded }: SplitLine): Pick<Line, "x" | "value"> {
  const spans = supersededSpans({ current, superseded });
  const breaks = spans.slice(0, -1).map(([, to]) => current.x.find((x) => x > to) ?? to);
  const points = superseded.x.map((x, place): [number, number | null] => [x, superseded.value[place] ?? null]);
  points.push(...breaks.map((x): [number, null] => [x, null]));
  points.sort(([a], [b]) => a - b);
  return { x: points.map(([x]) => x), value: points.map(([, value]) => value) };
}

/** Steps that a range of x covers, for the server, which cuts by step alone. */
export function stepsWithin(
  series: readonly Series[],
  axis: XAxis,
  range: [number, number],
  origin: (runId: number) => number,
): [number, number] | null {
  if (axis === "step") return [Math.floor(range[0]), Math.ceil(range[1])];
  const steps = series.flatMap((one) => stepsOf(one, axis, range, origin(one.run_id)));
  return steps.length ? [Math.min(...steps), Math.max(...steps)] : null;
}

/** First and last step of a series within a range of x, one bucket wider on each side. */
function stepsOf(series: Series, axis: XAxis, [from, to]: [number, number], origin: number): number[] {
  const x = axis === "time" ? series.time.map((time) => time - origin) : series[axis];
  const inside = x.map((_, place) => place).filter((place) => (x[place] ?? 0) >= from && (x[place] ?? 0) <= to);
  const [first, last] = [inside[0], inside.at(-1)];
  if (first === undefined || last === undefined) return [];
  return [series.step[Math.max(0, first - 1)] ?? 0, series.step[Math.min(x.length - 1, last + 1)] ?? 0];
}

/** A series with what came since put at its end: history is never asked for twice. */
export function extended(known: Series, since: Series | undefined): Series {
  if (!since || since.step.length === 0) return since ? { ...known, cursor: since.cursor } : known;
  return {
    ...known,
    step: [...known.step, ...since.step],
    epoch: [...known.epoch, ...since.epoch],
    time: [...known.time, ...since.time],
    min: [...known.min, ...since.min],
    max: [...known.max, ...since.max],
    first: [...known.first, ...since.first],
    last: [...known.last, ...since.last],
    count: [...known.count, ...since.count],
    superseded: [...known.superseded, ...since.superseded],
    cursor: since.cursor,
  };
}
