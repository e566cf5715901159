import { expect, test } from "vitest";

import type { EvaluationCurve } from "../queries";
import { gainsOf } from "./baseline";
import { protocolLines, protocolPairs } from "./protocol";
import { scoreName } from "@/ui/scores";

function aCurve(points: [number, number][], kind: EvaluationCurve["kind"] = "knn"): EvaluationCurve {
  return {
    kind,
    protocol: {},
    protocol_words: "k-NN, k 20",
    dataset: "demo",
    points: points.map(([step, top1], place) => ({
      run_id: place + 1,
      checkpoint_id: place + 1,
      step,
      epoch: step / 10,
      state: "finished",
      values: { top1 },
    })),
  };
}

test("the last measured checkpoint is held against the untrained one", () => {
  const [gain] = gainsOf([aCurve([[0, 0.2], [20, 0.6], [10, 0.4]])]);
  expect(gain?.untrained?.score).toBe(0.2);
  expect(gain?.trained?.score).toBe(0.6);
});

test("without an untrained score there is nothing to hold against", () => {
  expect(gainsOf([aCurve([[10, 0.4]])])[0]?.untrained).toBeNull();
});

test("features have no score and therefore no line", () => {
  expect(gainsOf([aCurve([[0, 0.2]], "extract")])).toEqual([]);
});

const LINEAR = { kind: "linear", views: { clips: 3, crops: 1 }, optimisation: { optimizer: { lr: 2 } }, best_epoch: 5 };

test("a protocol is told in a line with what two scores must share", () => {
  expect(protocolLines(LINEAR)).toEqual(["clips 3", "crops 1", "best epoch 5"]);
});

test("and in a list with every value that it has", () => {
  expect(protocolPairs(LINEAR)).toContainEqual(["optimisation.optimizer.lr", "2"]);
});

test("scores are called as people call them", () => {
  expect(["top1", "best_top1", "R@5"].map(scoreName)).toEqual(["top-1", "best top-1", "R@5"]);
});
