import { describe, expect, test } from "vitest";

import { fieldOf, initialOf, isSame, type Schema, valueAt, withValue, wordsOf } from "./schema";

const ROOT: Schema = { $defs: { Width: { type: "integer", exclusiveMinimum: 0, description: "Of the trunk." } } };

describe("a schema is read as a field", () => {
  test.each<[string, Schema, object]>([
    ["a whole number above zero", { $ref: "#/$defs/Width" }, { type: "number", isWhole: true, least: 1 }],
    ["one of some words", { enum: ["a", "b"] }, { type: "choice", options: ["a", "b"] }],
    ["something or none", { anyOf: [{ type: "string" }, { type: "null" }] }, { type: "nullable", inner: { type: "string" } }],
    ["numbers in a row", { type: "array", items: { type: "integer" } }, { type: "numbers" }],
    ["a pair", { prefixItems: [{ type: "number" }, { type: "number" }] }, { type: "tuple" }],
    ["at least two of something", { items: { type: "object", properties: {} }, minItems: 2 }, { type: "list", least: 2, most: Infinity }],
    ["yes or no", { type: "boolean" }, { type: "switch" }],
  ])("%s", (_, schema, expected) => {
    expect(fieldOf(ROOT, schema)).toMatchObject(expected);
  });

  test("a part that the server does not send is a bug that names it", () => {
    expect(() => fieldOf(ROOT, { $ref: "#/$defs/Gone" })).toThrow(/no part called Gone/);
  });
});

test("a field starts with its default, else with the least that is allowed", () => {
  const schema: Schema = { properties: { width: { $ref: "#/$defs/Width" }, name: { type: "string", default: "r18" }, data: { anyOf: [{ type: "string" }, { type: "null" }] } } };
  expect(initialOf(ROOT, schema)).toEqual({ width: 1, name: "r18", data: null });
});

test("a value is changed deep inside a list, and nothing else is touched", () => {
  const before = { views: [{ size: 112 }, { size: 96 }] };
  const after = withValue(before, ["views", "1", "size"], 64);
  expect(after).toEqual({ views: [{ size: 112 }, { size: 64 }] });
  expect(before.views[1]?.size).toBe(96);
  expect(valueAt(after, ["views", "1", "size"])).toBe(64);
  expect(valueAt(after, ["views", "9", "size"])).toBeUndefined();
});

test("definitions are the same by their values, whatever the order of their keys", () => {
  expect(isSame({ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 })).toBe(true);
  expect(isSame({ a: 1 }, { a: 1, b: null })).toBe(false);
  expect(isSame([1, 2], [2, 1])).toBe(false);
});

test("names are read as words, with their units", () => {
  expect(["clip_s", "flip_p", "num_frames", "lr", "save_every_min"].map(wordsOf)).toEqual(["Clip (seconds)", "Flip probability", "Number of frames", "Learning rate", "Save every (minutes)"]);
});
