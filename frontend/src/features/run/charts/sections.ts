/** Panels by the prefix of their metric's name, in groups that are loaded together. */

export interface Section {
  prefix: string;
  keys: string[];
}

const FIRST = ["train", "val", "health"];
const LAST = "system";

export function sectionsOf(keys: readonly string[], find: string): Section[] {
  const wanted = find.trim().toLowerCase();
  const sections = new Map<string, string[]>();
  for (const key of [...keys].sort(byWeight)) {
    if (wanted && !key.toLowerCase().includes(wanted)) continue;
    const prefix = key.includes("/") ? key.slice(0, key.indexOf("/")) : "other";
    sections.set(prefix, [...(sections.get(prefix) ?? []), key]);
  }
  return [...sections].map(([prefix, keys]) => ({ prefix, keys })).sort((a, b) => placeOf(a.prefix) - placeOf(b.prefix));
}

/** Losses first: they are what people open the page for. */
function byWeight(a: string, b: string): number {
  return Number(b.endsWith("loss")) - Number(a.endsWith("loss")) || a.localeCompare(b);
}

function placeOf(prefix: string): number {
  if (prefix === LAST) return FIRST.length + 1;
  const place = FIRST.indexOf(prefix);
  return place < 0 ? FIRST.length : place;
}

export function inGroupsOf(size: number, keys: readonly string[]): string[][] {
  const groups = [];
  for (let start = 0; start < keys.length; start += size) groups.push(keys.slice(start, start + size));
  return groups;
}
