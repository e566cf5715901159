import { expect, test } from "vitest";

import { formatElapsed, formatPoints, formatScore, formatStep, formatTicks, formatValue } from "./format";

test.each([
  [0.123456, "0.1235"],
  [12, "12"],
  [21000, "21000"],
  [123456.7, "123457"],
  [0.00001234, "1.23e-5"],
  [1234567, "1.23e6"],
  [0, "0"],
  [null, "–"],
])("the value %s is written %s", (value, words) => expect(formatValue(value)).toBe(words));

test.each([
  [45, "45s"],
  [725, "12m 05s"],
  [12000, "3h 20m"],
  [187200, "2d 4h"],
])("%s seconds are %s", (seconds, words) => expect(formatElapsed(seconds)).toBe(words));

test("scores are per cent, differences are points with their sign", () => {
  expect(formatScore(0.6234)).toBe("62.3 %");
  expect(formatPoints(0.042)).toBe("+4.2");
  expect(formatPoints(-0.011)).toBe("−1.1");
});

test("steps are short from ten thousand on", () => {
  expect([formatStep(9500), formatStep(12_000), formatStep(3_400_000)]).toEqual(["9500", "12k", "3.4M"]);
});

test("ticks have the digits that tell them apart, and no more", () => {
  expect(formatTicks([0, 0.5, 1])).toEqual(["0", "0.5", "1"]);
  expect(formatTicks([0.09998, 0.099985, 0.09999, 0.1])).toEqual(["0.09998", "0.099985", "0.09999", "0.1"]);
  expect(formatTicks([null, 1e-5, null, 1e-4])).toEqual(["", "1.00e-5", "", "0.0001"]);
});
