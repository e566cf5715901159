/** How the form is cut: which parts of a definition stand under which heading. */
import { fieldOf, type JsonObject, type Schema, tagOf } from "./form/schema";

const HEADINGS: readonly (readonly [string, readonly string[]])[] = [
  ["Data", ["data"]],
  ["Views", ["views"]],
  ["Method", ["trunk", "method"]],
  ["Protocol", ["protocol"]],
  ["Optimisation", ["optimisation"]],
  ["Compute", ["compute"]],
  ["Checkpoints and evaluation plan", ["checkpoints", "probe", "evaluations"]],
];
/** Asked for beside the form: which checkpoint, which seeds. */
const ELSEWHERE: ReadonlySet<string> = new Set(["kind", "checkpoint", "seed"]);

export interface Section {
  title: string;
  parts: [string, Schema][];
}

export function sectionsOf(root: Schema, definition: JsonObject): Section[] {
  const top = fieldOf(root, root);
  const variant = top.type === "union" ? top.variants.find(([, one]) => tagOf(root, one) === definition.kind)?.[1] : undefined;
  const whole = variant ? fieldOf(root, variant) : undefined;
  const parts = whole?.type === "object" ? whole.properties.filter(([name]) => !ELSEWHERE.has(name)) : [];
  const placed = new Set(HEADINGS.flatMap(([, names]) => names));
  const sections = HEADINGS.map(([title, names]) => ({ title, parts: parts.filter(([name]) => names.includes(name)) }));
  // A part that a newer server adds is shown all the same.
  return [...sections, { title: "More", parts: parts.filter(([name]) => !placed.has(name)) }].filter(({ parts }) => parts.length > 0);
}
