/** A definition's JSON Schema, read as the fields of a form. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  title?: string;
  description?: string;
  type?: string;
  const?: Json;
  enum?: Json[];
  default?: Json;
  anyOf?: Schema[];
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  items?: Schema;
  prefixItems?: Schema[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  minItems?: number;
  maxItems?: number;
}

export type Field =
  | { type: "object"; properties: [string, Schema][] }
  | { type: "union"; variants: [string, Schema][] }
  | { type: "nullable"; inner: Schema }
  | { type: "tuple"; items: Schema[] }
  | { type: "list"; item: Schema; least: number; most: number }
  | { type: "numbers" }
  | { type: "words" }
  | { type: "choice"; options: (string | number)[] }
  | { type: "number"; isWhole: boolean; least: number | undefined; most: number | undefined }
  | { type: "switch" }
  | { type: "text" };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The schema that a reference stands for; what is written beside the reference goes first. */
export function resolve(root: Schema, schema: Schema): Schema {
  if (!schema.$ref) return schema;
  const { $ref, ...beside } = schema;
  const name = $ref.replace("#/$defs/", "");
  const target = root.$defs?.[name];
  if (!target) throw new Error(`The definition's schema has no part called ${name}.`);
  return { ...resolve(root, target), ...beside };
}

/** What kind of field a schema asks for. */
export function fieldOf(root: Schema, given: Schema): Field {
  const schema = resolve(root, given);
  const inner = schema.anyOf?.filter(({ type }) => type !== "null");
  if (inner?.[0] && inner.length < (schema.anyOf?.length ?? 0)) return { type: "nullable", inner: inner[0] };
  if (schema.oneOf) return { type: "union", variants: schema.oneOf.map((one) => [tagOf(root, one), one]) };
  if (schema.enum) return { type: "choice", options: schema.enum.filter(isOption) };
  if (schema.properties) return { type: "object", properties: Object.entries(schema.properties) };
  if (schema.prefixItems) return { type: "tuple", items: schema.prefixItems };
  if (schema.items) return listOf(root, schema, schema.items);
  if (schema.type === "boolean") return { type: "switch" };
  if (schema.type === "number" || schema.type === "integer") return numberOf(schema);
  return { type: "text" };
}

function listOf(root: Schema, schema: Schema, item: Schema): Field {
  const { type } = resolve(root, item);
  if (type === "integer" || type === "number") return { type: "numbers" };
  if (type === "string") return { type: "words" };
  return { type: "list", item, least: schema.minItems ?? 0, most: schema.maxItems ?? Infinity };
}

function numberOf({ type, minimum, exclusiveMinimum, maximum }: Schema): Field {
  const isWhole = type === "integer";
  const least = minimum ?? (isWhole && exclusiveMinimum !== undefined ? exclusiveMinimum + 1 : exclusiveMinimum);
  return { type: "number", isWhole, least, most: maximum };
}

function isOption(value: Json): value is string | number {
  return typeof value === "string" || typeof value === "number";
}

/** The `kind` that tells a variant from its peers. */
export function tagOf(root: Schema, variant: Schema): string {
  const tag = resolve(root, variant).properties?.kind?.const;
  return typeof tag === "string" ? tag : "";
}

/** What a field holds before anyone touches it. */
export function initialOf(root: Schema, given: Schema): Json {
  const schema = resolve(root, given);
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  const field = fieldOf(root, schema);
  switch (field.type) {
    case "object":
      return Object.fromEntries(field.properties.map(([name, part]) => [name, initialOf(root, part)]));
    case "union":
      return field.variants[0] ? initialOf(root, field.variants[0][1]) : null;
    case "nullable":
      return null;
    case "tuple":
      return field.items.map((part) => initialOf(root, part));
    case "list":
    case "numbers":
    case "words":
      return [];
    case "choice":
      return field.options[0] ?? null;
    case "switch":
      return false;
    case "number":
      return field.least ?? 0;
    case "text":
      return "";
  }
}

/** The value at a dotted path; undefined where there is none. */
export function valueAt(value: Json | undefined, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((node, key) => {
    if (Array.isArray(node)) return node[Number(key)];
    return isObject(node) ? node[key] : undefined;
  }, value);
}

/** A copy with another value at the path. */
export function withValue(value: Json, path: readonly string[], next: Json): Json {
  const [key, ...rest] = path;
  if (key === undefined) return next;
  if (Array.isArray(value)) return value.map((item, place) => (place === Number(key) ? withValue(item, rest, next) : item));
  const node = isObject(value) ? value : {};
  return { ...node, [key]: withValue(node[key] ?? null, rest, next) };
}

export function isSame(a: Json | undefined, b: Json | undefined): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, place) => isSame(item, b[place]));
  if (isObject(a) && isObject(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].every((key) => isSame(a[key], b[key]));
  }
  return a === b;
}

/** snake_case as words, with the units that the names carry. */
export function wordsOf(name: string): string {
  const words = name
    .replace(/_every_min$/, " every (minutes)")
    .replace(/_s$/, " (seconds)")
    .replace(/_p$/, " probability")
    .replace(/^p$/, "probability")
    .replace(/^num_/, "number of ")
    .replaceAll("_", " ")
    .replace(/\blr\b/, "learning rate");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
