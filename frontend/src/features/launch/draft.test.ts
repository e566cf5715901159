import { describe, expect, test } from "vitest";

import { type Draft, draftOfClone, readSeeds, requestOf, withDefinition, withSeeds } from "./draft";
import type { LaunchRequest } from "./queries";

const DRAFT: Draft = { definition: { kind: "pretrain", seed: 42 }, recipe: "small", name: "  ", experiment: "default", tags: [], notes: "", seeds: "42", checkpointId: null, clonedFromId: null, priority: 0, slurm: null };

test.each([
  ["42, 43;44", [42, 43, 44]],
  ["", /at least one/],
  ["1.5", /whole numbers/],
  ["-1", /whole numbers/],
  ["3, 3", /given once/],
])("the seeds of %j", (text, expected) => {
  const read = readSeeds(text);
  if (expected instanceof RegExp) expect(read).toMatch(expected);
  else expect(read).toEqual(expected);
});

describe("what is sent", () => {
  test("one seed goes in the definition, several beside it", () => {
    expect(requestOf(withSeeds(DRAFT, "7"), false)).toMatchObject({ definition: { seed: 7 }, seeds: [] });
    expect(requestOf(withSeeds(DRAFT, "7, 8"), false)).toMatchObject({ definition: { seed: 42 }, seeds: [7, 8] });
  });

  test("a name of spaces is none: the server chooses", () => {
    expect(requestOf(DRAFT, true)).toMatchObject({ name: null, is_draft: true });
  });
});

test("YAML with the seed it had leaves several seeds alone", () => {
  const several = withSeeds(DRAFT, "1, 2");
  expect(withDefinition(several, { ...several.definition, epochs: 3 }).seeds).toBe("1, 2");
});

test("a clone keeps what was asked, where it came from, and is named anew", () => {
  const asked = { definition: { kind: "pretrain", seed: 9 }, recipe: "small", experiment: "ablation", tags: ["a"], notes: "why", checkpoint_id: null, cloned_from_id: 4, priority: 2, name: "old" } as unknown as LaunchRequest;
  expect(draftOfClone(asked)).toMatchObject({ seeds: "9", experiment: "ablation", clonedFromId: 4, priority: 2, name: "" });
});
