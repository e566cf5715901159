/** A protocol's values as a reader wants them: what two scores must share in a line, all of it in a list. */

type Protocol = Readonly<Record<string, unknown>>;

/** Parts whose values belong into the line as well; the others are left to the list. */
const SPOKEN = new Set(["views"]);

/** The values that stand at the top, and the views that are averaged. */
export function protocolLines(protocol: Protocol): string[] {
  return Object.entries(protocol).flatMap(([key, value]) => {
    if (key === "kind" || isNothing(value) || isTable(value)) return [];
    if (isPart(value)) return SPOKEN.has(key) ? protocolLines(value) : [];
    return [`${wordsOf(key)} ${valueWords(value)}`];
  });
}

/** What was measured more than once, a row each: a test of both classifiers has two. */
export function protocolRows({ rows }: Protocol): readonly Protocol[] {
  return isTable(rows) ? rows : [];
}

/** Every value under its dotted name. */
export function protocolPairs(protocol: Protocol, prefix = ""): [string, string][] {
  const single = Object.entries(protocol).filter(([, value]) => !isTable(value));
  return single.flatMap(([key, value]): [string, string][] =>
    isPart(value) ? protocolPairs(value, `${prefix}${key}.`) : [[prefix + key, valueWords(value)]],
  );
}

function isTable(value: unknown): value is readonly Protocol[] {
  return Array.isArray(value) && value.length > 0 && value.every(isPart);
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined || (Array.isArray(value) && value.length === 0);
}

function isPart(value: unknown): value is Protocol {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function valueWords(value: unknown): string {
  if (isNothing(value)) return "none";
  return Array.isArray(value) ? value.join(", ") : String(value);
}

function wordsOf(key: string): string {
  return key.replaceAll("_", " ");
}
