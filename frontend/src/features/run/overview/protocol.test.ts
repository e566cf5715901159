import { expect, test } from "vitest";

import { protocolLines, protocolPairs } from "./protocol";

const KNN = { kind: "knn", k: 20, more_k: [], backends: null, views: { clips: 3, crops: 1 } };

test("a protocol is said without what it leaves empty, its views beside it", () => {
  expect(protocolLines(KNN)).toEqual(["k 20", "clips 3", "crops 1"]);
  expect(protocolLines({ ...KNN, more_k: [1, 5] })).toContain("more k 1, 5");
});

test("a list names every value, and says of an empty one that it is none", () => {
  expect(protocolPairs(KNN)).toContainEqual(["more_k", "none"]);
  expect(protocolPairs(KNN)).toContainEqual(["views.clips", "3"]);
});
