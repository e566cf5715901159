import { describe, expect, it } from "vitest";

import { aimsOf, leadOf } from "./aims";

const aims_at = [
  { what: "Kinetics400 linear top-1", percent: 67.6 },
  { what: "UCF101 retrieval R@1", percent: 81.5 },
];

describe("what a recipe aims at", () => {
  it("is its first published number on a card, and all of them above the form", () => {
    expect(aimsOf({ aims_at })).toBe("Kinetics400 linear top-1 67.6 %, and 1 more");
    expect(leadOf({ aims_at, source: "SCE", summary: "Long." })).toBe(
      "Long. Source: SCE. It aims at Kinetics400 linear top-1 67.6 %, UCF101 retrieval R@1 81.5 %.",
    );
  });

  it("is nothing where no paper printed a number", () => {
    expect(aimsOf({ aims_at: [] })).toBe("");
    expect(leadOf({ aims_at: [], source: "SCE Lab", summary: "Short." })).toBe("Short. Source: SCE Lab.");
  });
});
