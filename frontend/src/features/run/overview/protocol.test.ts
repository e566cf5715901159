import { expect, test } from "vitest";

import { protocolLines, protocolPairs, protocolRows } from "./protocol";

const KNN = { kind: "knn", k: 20, more_k: [], backends: null, views: { clips: 3, crops: 1 } };

test("a protocol is said without what it leaves empty, its views beside it", () => {
  expect(protocolLines(KNN)).toEqual(["k 20", "clips 3", "crops 1"]);
  expect(protocolLines({ ...KNN, more_k: [1, 5] })).toContain("more k 1, 5");
});

test("a list names every value, and says of an empty one that it is none", () => {
  expect(protocolPairs(KNN)).toContainEqual(["more_k", "none"]);
  expect(protocolPairs(KNN)).toContainEqual(["views.clips", "3"]);
});

test("measurements of several checkpoints are rows, and no words of the protocol", () => {
  const both = { kind: "test", which: "both", rows: [{ checkpoint: "best", top1: 0.5 }, { checkpoint: "last", top1: 0.25 }] };
  expect(protocolLines(both)).toEqual(["which both"]);
  expect(protocolRows(both).map(({ checkpoint }) => checkpoint)).toEqual(["best", "last"]);
  expect(protocolRows(KNN)).toEqual([]);
});
