import { describe, expect, test } from "vitest";

import { brokenLine, extended, positiveOnly, type Series, splitLine, stepsWithin, supersededSpans } from "./lines";

/** A series of buckets given as [step, min, max, last]; what is not said is plain. */
function aSeries(buckets: [number, number, number, number][], more: Partial<Series> = {}): Series {
  return {
    run_id: 1,
    key: "train/loss",
    step: buckets.map(([step]) => step),
    epoch: buckets.map(([step]) => step / 10),
    time: buckets.map(([step]) => 1000 + step),
    min: buckets.map(([, min]) => min),
    max: buckets.map(([, , max]) => max),
    first: buckets.map(([, , , last]) => last),
    last: buckets.map(([, , , last]) => last),
    count: buckets.map(() => 4),
    superseded: buckets.map(() => false),
    cursor: 7,
    is_raw: false,
    ...more,
  };
}

describe("a line drawn from buckets", () => {
  test("keeps the spike that hides inside a bucket", () => {
    const { current } = splitLine(aSeries([[0, 1, 1, 1], [8, 0.5, 97, 1], [16, 1, 1, 1]]), "step", 0);
    expect(Math.max(...current.high.map(Number))).toBe(97);
    expect(Math.min(...current.low.map(Number))).toBe(0.5);
  });

  test("leaves a gap where a value was not a number", () => {
    const { current } = splitLine(aSeries([[0, 1, 1, 1], [1, 1, 1, 1]], { last: [1, null] }), "step", 0);
    expect(current.value).toEqual([1, null]);
  });

  test("counts time from the run's start", () => {
    expect(splitLine(aSeries([[0, 1, 1, 1], [60, 1, 1, 1]]), "time", 1000).current.x).toEqual([0, 60]);
  });

  test("shows nothing below zero on a logarithmic axis, and keeps the rest", () => {
    const { current } = splitLine(aSeries([[0, -1, 5, 4], [1, 2, 9, 3]]), "step", 0);
    const shown = positiveOnly(current);
    expect(shown.value).toEqual([4, 3]);
    expect(shown.high).toEqual([null, 9]);
  });
});

describe("steps that a later attempt went over again", () => {
  const twice = aSeries([[0, 1, 1, 1], [8, 9, 9, 9], [8, 2, 2, 2], [16, 3, 3, 3]], {
    superseded: [false, true, false, false],
  });

  test("are kept apart from what counts", () => {
    const { current, superseded } = splitLine(twice, "step", 0);
    expect(current.x).toEqual([0, 8, 16]);
    expect(current.value).toEqual([1, 2, 3]);
    expect(superseded.value).toEqual([9]);
  });

  test("become one point where two attempts left the same step, with the bounds of both", () => {
    const thrice = aSeries([[8, 1, 2, 2], [8, 0, 5, 3]], { superseded: [true, true] });
    const { superseded } = splitLine(thrice, "step", 0);
    expect(superseded).toEqual({ x: [8], value: [3], low: [0], high: [5] });
  });
});

describe("stretches that were gone over again", () => {
  const line = (x: number[]) => ({ x, value: x, low: x, high: x });
  const current = line(Array.from({ length: 21 }, (_, step) => step));

  test("are one for each attempt that was lost, not one from the first to the last", () => {
    const superseded = line([3, 4, 5, 15, 16]);
    expect(supersededSpans({ current, superseded })).toEqual([[3, 5], [15, 16]]);
  });

  test("break the line between them, at a step that both know", () => {
    const { x, value } = brokenLine({ current, superseded: line([3, 4, 15]) });
    expect(x).toEqual([3, 4, 5, 15]);
    expect(value).toEqual([3, 4, null, 15]);
  });

  test("go to the end of what there is when nothing came after", () => {
    expect(supersededSpans({ current: line([0, 1]), superseded: line([2, 3, 4]) })).toEqual([[2, 4]]);
    expect(supersededSpans({ current, superseded: line([]) })).toEqual([]);
  });
});

describe("zooming in", () => {
  const series = aSeries([[0, 1, 1, 1], [10, 1, 1, 1], [20, 1, 1, 1], [30, 1, 1, 1]]);

  test("by step asks for exactly those steps", () => {
    expect(stepsWithin([series], "step", [4.4, 12.2], () => 0)).toEqual([4, 13]);
  });

  test("by epoch asks for a bucket more on either side, so that the line meets the frame", () => {
    expect(stepsWithin([series], "epoch", [0.9, 2.1], () => 0)).toEqual([0, 30]);
  });

  test("where there is nothing asks for nothing", () => {
    expect(stepsWithin([series], "epoch", [50, 60], () => 0)).toBeNull();
  });
});

describe("what came since", () => {
  test("is put at the end of what is known, with its cursor", () => {
    const grown = extended(aSeries([[0, 1, 1, 1]]), aSeries([[8, 2, 2, 2]], { cursor: 12 }));
    expect(grown.step).toEqual([0, 8]);
    expect(grown.cursor).toBe(12);
  });

  test("changes nothing when nothing came", () => {
    const known = aSeries([[0, 1, 1, 1]]);
    expect(extended(known, undefined)).toBe(known);
  });
});
