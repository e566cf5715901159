import { expect, test } from "vitest";

import { errorAt, NEW, requestOf, typedOf } from "./profileForm";

test("lists are typed a line each, numbers are sent as numbers", () => {
  const { name, profile } = requestOf({ ...NEW, name: "a100", runs_folder: "/runs", modules: "cuda/12.4\n\n gcc ", time_limit_min: "90" });
  expect(name).toBe("a100");
  expect(profile).toMatchObject({ runs_folder: "/runs", modules: ["cuda/12.4", "gcc"], time_limit_min: 90, max_jobs: 50 });
});

test("what is no number is left to the server to refuse", () => {
  expect(requestOf({ ...NEW, warn_s: "two minutes" }).profile.warn_s).toBe(0);
});

test("arrays are switched on unless somebody switches them off", () => {
  expect(requestOf(NEW).profile).toMatchObject({ arrays: true, array_limit: 0 });
  expect(requestOf({ ...NEW, arrays: "false" }).profile.arrays).toBe(false);
  expect(requestOf({ ...NEW, array_limit: "" }).profile.array_limit).toBe(-1);
});

test("a profile that is opened again is sent as it was", () => {
  const asked = requestOf({ ...NEW, name: "a100", runs_folder: "/runs", extra: "exclusive\nreservation=lab", setup: "a\nb" });
  const opened = typedOf({ id: 1, site: "", text: "", probe: null, ...asked });
  expect(requestOf(opened)).toEqual(asked);
});

test("a sentence is shown at its field", () => {
  const errors = { "profile.memory": "write 64G", "profile.extra.1": "not that one", name: "taken" };
  expect(errorAt(errors, "memory")).toBe("write 64G");
  expect(errorAt(errors, "extra")).toBe("not that one");
  expect(errorAt(errors, "name")).toBe("taken");
  expect(errorAt(errors, "qos")).toBeUndefined();
});
