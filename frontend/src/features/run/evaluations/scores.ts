/** From an evaluation curve to lines: one for each score, over the pretraining's epochs. */
import { colourAt, type Scheme } from "@/charts/colours";
import type { NamedLine } from "@/charts/model";

import type { EvaluationCurve } from "../queries";

const MOST_LINES = 6;

/** Names of the scores, in the order of their k: R@1, R@5, ... */
export function metricsOf({ points }: EvaluationCurve): string[] {
  const names = new Set(points.flatMap(({ values }) => Object.keys(values)));
  const inOrder = [...names].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  return inOrder.filter((name) => !name.includes("loss")).slice(0, MOST_LINES);
}

export function scoreLines(curve: EvaluationCurve, scheme: Scheme): NamedLine[] {
  const empty = { x: [], value: [], low: [], high: [] };
  return metricsOf(curve).map((metric, place) => {
    const points = scoredPoints(curve, metric);
    const value = points.map(({ values }) => (values[metric] ?? 0) * 100);
    const current = { x: points.map(({ epoch }) => epoch), value, low: value, high: value };
    return { current, superseded: empty, label: metric, colour: colourAt(place, scheme), isMain: place === 0 };
  });
}

/** Points that have a score, by epoch; of two evaluations of one checkpoint the later counts. */
export function scoredPoints({ points }: EvaluationCurve, metric: string) {
  const byCheckpoint = new Map(
    points
      .filter(({ values }) => metric in values)
      .sort((a, b) => a.run_id - b.run_id)
      .map((point) => [point.checkpoint_id, point]),
  );
  return [...byCheckpoint.values()].sort((a, b) => a.epoch - b.epoch);
}
