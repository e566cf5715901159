import { expect, test } from "vitest";

import { nearestMark, rowFor, spacedOut, together } from "./annotations";

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

const markAt = (x: number) => ({ id: x, x, y: 0, label: `checkpoint ${x}` });

test("checkpoints in a crowd leave room for the curve; the first and the newest stay", () => {
  const marks = Array.from({ length: 101 }, (_, x) => markAt(x));
  const shown = spacedOut(marks, (x) => 4 * x).map(({ x }) => x);
  expect(shown.slice(0, 3)).toEqual([0, 4, 8]);
  expect(shown.at(-1)).toBe(100);
});

test("zoomed in, each of them shows", () => {
  expect(spacedOut([markAt(2), markAt(1)], (x) => 40 * x).map(({ x }) => x)).toEqual([1, 2]);
  expect(spacedOut([], (x) => x)).toEqual([]);
});

test("in a crowd a click means the nearest point, shown as a diamond or not, and elsewhere none", () => {
  const marks = [markAt(1), markAt(2), markAt(3)];
  const place = ({ x }: { x: number }) => [4 * x, 10] as const;
  expect(nearestMark(marks, place, [9, 11])?.id).toBe(2);
  expect(nearestMark(marks, place, [9, 30])).toBeUndefined();
});
