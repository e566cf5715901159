import { expect, test } from "vitest";

import { rowFor, together } from "./annotations";

test("attempts that began at the same step share one line", () => {
  const moments = [{ x: 35, label: "attempt 4" }, { x: 32, label: "attempt 2" }, { x: 35, label: "attempt 3" }];
  expect(together(moments)).toEqual([
    { x: 32, label: "attempt 2" },
    { x: 35, label: "attempt 4, attempt 3" },
  ]);
});

test("names that would meet stand below each other, and a later one goes up again", () => {
  const ends: number[] = [];
  expect([rowFor(ends, 0, 50), rowFor(ends, 20, 70), rowFor(ends, 60, 110)]).toEqual([0, 1, 0]);
});
