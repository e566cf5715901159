import { expect, test } from "vitest";

import type { Line } from "./lines";
import { heightAt, type NamedLine, nearest, plotModel } from "./model";

const NOTHING: Line = { x: [], value: [], low: [], high: [] };
const PLAIN = { smoothing: 0, isLog: false, scheme: "light" } as const;

function aLine(x: number[], value: number[], more: Partial<NamedLine> = {}): NamedLine {
  const current = { x, value, low: value.map((one) => one - 1), high: value.map((one) => one + 1) };
  return { current, superseded: NOTHING, label: "run", colour: "#112233", isMain: true, ...more };
}

test("every curve has its band and its line", () => {
  const model = plotModel([aLine([0, 1], [5, 6])], PLAIN);
  expect(model.strokes.map(({ role }) => role)).toEqual(["high", "low", "raw"]);
  expect(model.bands).toMatchObject([{ high: 0, low: 1 }]);
  expect(model.columns).toEqual([[6, 7], [4, 5], [5, 6]]);
});

test("smoothing lays a bold line over a faint raw one", () => {
  const { strokes } = plotModel([aLine([0, 1], [5, 6])], { ...PLAIN, smoothing: 0.5 });
  const [raw, smooth] = ["raw", "smooth"].map((role) => strokes.find((stroke) => stroke.role === role));
  expect(smooth?.width).toBeGreaterThan(raw?.width ?? 9);
  expect(raw?.colour).not.toBe(smooth?.colour);
});

test("curves at different steps share one axis, and neither breaks at the other's points", () => {
  const model = plotModel([aLine([0, 2], [1, 1]), aLine([1], [9], { isMain: false })], PLAIN);
  expect(model.x).toEqual([0, 1, 2]);
  expect(model.columns[2]).toEqual([1, undefined, 1]);
  expect(model.columns[5]).toEqual([undefined, 9, undefined]);
});

test("superseded points are dashed, and their stretch is hatched", () => {
  const superseded = { ...NOTHING, x: [3, 7], value: [1, 2], low: [1, 2], high: [1, 2] };
  const model = plotModel([aLine([0, 8], [1, 1], { superseded })], PLAIN);
  expect(model.strokes.find(({ role }) => role === "superseded")?.dash).toBeDefined();
  expect(model.spans).toEqual([[3, 7]]);
});

test("under the cursor stands the value itself, or the last one known before it", () => {
  expect(nearest([1, undefined, 3], 1)).toBe(1);
  expect(nearest([undefined, 4], 0)).toBe(4);
  expect(nearest([], 0)).toBeNull();
});

test("a mark between two points lies on the line between them", () => {
  const { current } = aLine([0, 10], [0, 5]);
  expect(heightAt(current, 4)).toBe(2);
  expect(heightAt(current, 11)).toBeNull();
});
