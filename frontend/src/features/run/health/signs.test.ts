import { describe, expect, it } from "vitest";

import { signSections, toneOf } from "./signs";

describe("the curves of a method's health", () => {
  it("are the measured signs, the pace and the scheduled values, each where it was journaled", () => {
    const keys = ["train/loss", "health/rank_me", "train/lr", "health/alignment", "train/data_wait", "train/contrast"];
    expect(signSections(keys)).toEqual([
      { prefix: "signs", keys: ["health/alignment", "health/rank_me"] },
      { prefix: "pace", keys: ["train/data_wait"] },
      { prefix: "scheduled values, as used", keys: ["train/lr", "train/contrast"] },
    ]);
  });

  it("are none before the first step", () => {
    expect(signSections(["val/top1"])).toEqual([]);
  });
});

describe("a verdict's colour", () => {
  it("warns of everything but health and ignorance", () => {
    expect(toneOf("healthy")).toBe("well");
    expect(toneOf("too early")).toBe("unknown");
    expect(toneOf("collapsing")).toBe("ill");
    expect(toneOf("temperature too sharp")).toBe("ill");
  });
});
