import { expect, test } from "vitest";

import { countWords, differenceWords, meanWords, printed } from "./cells";
import type { Measured } from "./queries";

const CELL: Measured = { mean: 60, std: 10, n: 3, splits: null, failed: 0, asked: 3, left_out: 0, run_ids: [1, 2, 3], difference: null, reasons: [] };

test("a mean is written with its deviation, and alone when there is one seed", () => {
  expect(meanWords(CELL)).toBe("60.0 ± 10.0");
  expect(meanWords({ ...CELL, std: null, n: 1 })).toBe("60.0");
  expect(meanWords({ ...CELL, mean: null })).toBeNull();
});

test("seeds, splits and failures are said beside it", () => {
  expect(countWords(CELL)).toBe("n = 3");
  expect(countWords({ ...CELL, splits: 3, n: 2, failed: 1 })).toBe("n = 2, 3 splits, 1 of 3 failed");
  expect(countWords({ ...CELL, splits: 3, n: 2, left_out: 1 })).toBe("n = 2, 3 splits, 1 without all splits");
  expect(countWords({ ...CELL, splits: 1 })).toBe("n = 3");
});

test.each([
  [1.24, "+1.2"],
  [-0.5, "−0.5"],
  [0.04, "±0.0"],
  [-0.04, "±0.0"],
])("a difference of %d is %s", (difference, words) => {
  expect(differenceWords(difference)).toBe(words);
});

test("published numbers keep the decimals that were printed", () => {
  expect([43, 67.6, 76.14, 82.5, undefined].map(printed)).toEqual(["43.0", "67.6", "76.14", "82.5", "–"]);
});
