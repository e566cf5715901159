import { expect, test } from "vitest";

import { moveBy, moveOfDrop } from "./moves";
import type { Waiting } from "./queries";

const ROWS = [1, 2, 3, 4].map((id) => ({ place: id === 4 ? null : id, needs: "1 device", run: { id } })) as Waiting[];

test("a row that is dragged up stands before what it was dropped on, one that is dragged down after it", () => {
  expect(moveOfDrop(ROWS, 3, 1)).toEqual({ to: "before", other: 1 });
  expect(moveOfDrop(ROWS, 1, 2)).toEqual({ to: "after", other: 2 });
});

test("nothing is asked of a row that is dropped on itself, or on one without a place", () => {
  expect(moveOfDrop(ROWS, 2, 2)).toBeNull();
  expect(moveOfDrop(ROWS, 2, 4)).toBeNull();
});

test("up and down end where the queue ends", () => {
  expect(moveBy(ROWS, 1, -1)).toBeNull();
  expect(moveBy(ROWS, 2, -1)).toEqual({ to: "before", other: 1 });
  expect(moveBy(ROWS, 3, 1)).toBeNull();
});
