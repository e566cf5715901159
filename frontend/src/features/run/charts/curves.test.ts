import { expect, test } from "vitest";

import type { Series } from "@/charts/lines";

import { merged, outwards } from "./curves";
import { inGroupsOf, sectionsOf } from "./sections";

function aSeries(run_id: number, steps: number[], cursor: number): Series {
  const plain = steps.map(() => 1);
  const columns = { epoch: plain, time: plain, min: plain, max: plain, first: plain, last: plain, count: plain };
  return { run_id, key: "train/loss", step: steps, ...columns, superseded: steps.map(() => false), cursor, is_raw: true };
}

test("news go to their own series, and each keeps its own cursor's answer", () => {
  const known = [aSeries(1, [1, 2], 10), aSeries(2, [1], 20)];
  const news = new Map([
    [10, [aSeries(1, [3], 30), aSeries(2, [9], 30)]],
    [20, [aSeries(2, [2], 30)]],
  ]);
  expect(merged(known, news).map(({ step }) => step)).toEqual([[1, 2, 3], [1, 2]]);
});

test("a metric that began since is added", () => {
  const news = new Map([[10, [aSeries(2, [5], 30)]]]);
  expect(merged([aSeries(1, [1], 10)], news).map(({ run_id }) => run_id)).toEqual([1, 2]);
});

test("points that arrive inside a zoom do not change what is asked for", () => {
  expect(outwards([103, 905])).toEqual(outwards([103, 911]));
});

test("a zoom never asks for less than what is shown", () => {
  const [first, last] = outwards([103, 905]) ?? [];
  expect(first).toBeLessThanOrEqual(103);
  expect(last).toBeGreaterThanOrEqual(905);
});

test("metrics are gathered by prefix, losses first, training before the rest", () => {
  const sections = sectionsOf(["health/std", "train/lr", "train/loss", "odd"], "");
  expect(sections).toEqual([
    { prefix: "train", keys: ["train/loss", "train/lr"] },
    { prefix: "health", keys: ["health/std"] },
    { prefix: "other", keys: ["odd"] },
  ]);
});

test("searching panels leaves the others out", () => {
  expect(sectionsOf(["train/loss", "train/lr"], "LR")).toEqual([{ prefix: "train", keys: ["train/lr"] }]);
});

test("five thousand metrics are loaded in small groups", () => {
  const keys = Array.from({ length: 5000 }, (_, place) => `train/${place}`);
  expect(inGroupsOf(12, keys)).toHaveLength(417);
});
