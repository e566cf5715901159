import { describe, expect, it } from "vitest";

import { progressWords, withSet } from "./preparing";
import type { KnownSet, Preparation, PreparationRequest } from "./queries";

const known = (name: string, more: Partial<KnownSet> = {}): KnownSet => ({
  name,
  title: name.toUpperCase(),
  kind: "video",
  num_classes: 2,
  splits: [],
  short_side: null,
  fps: null,
  is_binary: false,
  downloads: [],
  ...more,
});

const CATALOGUE = [known("ucf101"), known("kinetics400", { short_side: 256 }), known("imagenet", { kind: "image" })];
const ASKED: PreparationRequest = { set_name: "", name: "", source: "a", target: "", how: "encode" };

describe("the form for another set", () => {
  it("takes its name, until a person wrote one", () => {
    const first = withSet(ASKED, CATALOGUE, "ucf101");
    expect(first.name).toBe("ucf101");
    expect(withSet(first, CATALOGUE, "kinetics400").name).toBe("kinetics400");
    expect(withSet({ ...first, name: "mine" }, CATALOGUE, "kinetics400").name).toBe("mine");
  });

  it("proposes the published short side, and converts no pictures", () => {
    expect(withSet(ASKED, CATALOGUE, "kinetics400")).toMatchObject({ short_side: 256, how: "encode" });
    expect(withSet(ASKED, CATALOGUE, "imagenet")).toMatchObject({ short_side: null, how: "link" });
  });

  it("forgets a set that is taken away", () => {
    expect(withSet({ ...ASKED, set_name: "ucf101" }, CATALOGUE, null).set_name).toBe("");
  });
});

describe("progress", () => {
  const at = (more: Partial<Preparation>) =>
    progressWords({ stage: "convert", done: 3, total: 12, num_bad: 0, eta_s: null, ...more } as Preparation);

  it("says what is done, what is wrong and what is left", () => {
    expect(at({ total: 0 })).toBe("Checking what is there");
    expect(at({})).toBe("Files brought: 3 of 12");
    expect(at({ num_bad: 1, eta_s: 130 })).toBe("Files brought: 3 of 12, 1 cannot be used, 2m 10s left");
    expect(at({ done: 12, eta_s: 0 })).toBe("Files brought: 12 of 12");
  });
});
