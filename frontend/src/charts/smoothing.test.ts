import { expect, test } from "vitest";

import { smoothed } from "./smoothing";

test("a constant stays what it is from its first point on", () => {
  expect(smoothed([3, 3, 3], 0.9).map((value) => value?.toFixed(9))).toEqual(Array(3).fill("3.000000000"));
});

test("no weight changes nothing", () => {
  expect(smoothed([1, 5, 2], 0)).toEqual([1, 5, 2]);
});

test("it equals the written-out weighted mean", () => {
  const [w, values] = [0.5, [1, 2, 4]];
  const slow = (1 * w ** 2 + 2 * w + 4) / (w ** 2 + w + 1);
  expect(smoothed(values, w)[2]).toBeCloseTo(slow, 12);
});

test("a gap stays a gap and does not move what follows", () => {
  const [withGap, without] = [smoothed([1, null, 3], 0.7), smoothed([1, 3], 0.7)];
  expect(withGap).toEqual([without[0], null, without[1]]);
});
