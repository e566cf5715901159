import { expect, test } from "vitest";

import { checkpointBefore, measured, turnover, untrained } from "./neighbours";
import type { Query, Sibling } from "./queries";

function aClip(item_id: number) {
  return { item_id, name: `${item_id}.mp4`, class_name: "pan", duration_s: 3, preview_url: `/preview/${item_id}` };
}

function aQuery(position: number, items: number[]): Query {
  const neighbours = items.map((item, place) => ({ rank: place + 1, clip: aClip(item), similarity: 0.9, is_correct: true }));
  return { query: aClip(1000 + position), position, first_correct_rank: 1, neighbours };
}

function aSibling(run_id: number, step: number, values: Sibling["values"] = { "R@1": 0.5 }): Sibling {
  return { run_id, checkpoint_id: run_id, step, epoch: step / 10, state: "finished", values };
}

test("neighbours that were not there at the checkpoint before are new, those that went are named", () => {
  const change = turnover(aQuery(3, [1, 2, 5]), [aQuery(2, [5]), aQuery(3, [1, 2, 4])]);
  expect([...(change?.arrived ?? [])]).toEqual([5]);
  expect(change?.left.map(({ clip }) => clip.item_id)).toEqual([4]);
});

test("a neighbour that only changed its rank is not new", () => {
  expect(turnover(aQuery(0, [2, 1]), [aQuery(0, [1, 2])])?.arrived.size).toBe(0);
});

test("nothing is called new where the query was not asked before", () => {
  expect(turnover(aQuery(3, [1]), undefined)).toBeNull();
  expect(turnover(aQuery(3, [1]), [aQuery(4, [1])])).toBeNull();
});

test("the checkpoint before is the nearest one that was measured", () => {
  const siblings = measured([aSibling(9, 20), aSibling(7, 0), aSibling(8, 10, {})]);
  expect(checkpointBefore(siblings, 9)?.run_id).toBe(7);
  expect(checkpointBefore(siblings, 7)).toBeUndefined();
});

test("the baseline is the measured checkpoint of step 0", () => {
  expect(untrained([aSibling(2, 10), aSibling(1, 0)])?.run_id).toBe(1);
  expect(untrained([aSibling(1, 0, {})])).toBeUndefined();
});
