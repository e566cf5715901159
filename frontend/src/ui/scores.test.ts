import { expect, test } from "vitest";

import { scoreName, scoresIn } from "./scores";

test("a score has one name wherever it stands", () => {
  expect(["top1", "best_top5", "R@1"].map(scoreName)).toEqual(["top-1", "best top-5", "R@1"]);
});

test("the results of a summary come by that name, in the order of their k, without the metrics of a training", () => {
  const summary = { "train/loss": 2, "R@10": 0.8, top5: 0.6, "R@5": 0.5, top1: 0.4 };
  expect(scoresIn(summary)).toEqual([["R@5", 0.5], ["R@10", 0.8], ["top-1", 0.4], ["top-5", 0.6]]);
});
