import { expect, test } from "vitest";

import { followsAfter, nextHit } from "./follow";
import { pagesBetween } from "./useLog";

const END = { top: 800, height: 1000, shown: 200 };

test("scrolling up stops following", () => {
  expect(followsAfter(true, END, { ...END, top: 700 })).toBe(false);
});

test("reaching the end follows again", () => {
  expect(followsAfter(false, { ...END, top: 700 }, { ...END, top: 790 })).toBe(true);
});

test("a log that only grew is still followed", () => {
  expect(followsAfter(true, END, { ...END, height: 1400 })).toBe(true);
});

test("scrolling down without reaching the end follows no more than before", () => {
  expect(followsAfter(false, { ...END, top: 100 }, { ...END, top: 300 })).toBe(false);
});

test("next and previous go round the hits", () => {
  expect(nextHit([3, 9], 3, 1)).toBe(9);
  expect(nextHit([3, 9], 9, 1)).toBe(3);
  expect(nextHit([3, 9], 3, -1)).toBe(9);
  expect(nextHit([], 0, 1)).toBeNull();
});

test("only the pages that hold the lines on screen are asked for", () => {
  expect(pagesBetween(480, 1010)).toEqual([0, 500, 1000]);
  expect(pagesBetween(0, -1)).toEqual([]);
});
