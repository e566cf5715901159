import { expect, test } from "vitest";

import { placeOf, saidOf, spanOf } from "./words";

test("a clip is said by its frames and seconds, an image by neither", () => {
  expect(spanOf({ frames: [12, 50, 88], times_s: [0.4, 1.6667, 2.9333] })).toBe("3 frames: 12, 50, 88. From 0.40 s to 2.93 s");
  expect(spanOf({ frames: [0], times_s: [0] })).toBe("The one picture");
});

test("what was not drawn says how likely it was", () => {
  const blur = { name: "blur", words: "Gaussian of 1.20 px", values: {} };
  expect(saidOf({ ...blur, is_applied: true, probability: 1 })).toBe("Gaussian of 1.20 px");
  expect(saidOf({ ...blur, is_applied: false, probability: 0.2 })).toBe("Not this time (20 % of views)");
  expect(saidOf({ ...blur, is_applied: false, probability: 0 })).toBe("Never in this view");
});

test("a box is placed by shares of its picture", () => {
  const box = { top: 10, left: 40, height: 50, width: 100 };
  expect(placeOf({ box, source_width: 200, source_height: 100 })).toEqual({ left: "20%", top: "10%", width: "50%", height: "50%" });
});
