/** What of the table of runs lives in its address. */
import { KIND_LOOKS, type RunKind, type RunState, STATE_LOOKS } from "@/ui/StatePill";
import { isIn, numberIn, type RawSearch, textIn } from "@/ui/useUrlState";

export const KINDS = Object.keys(KIND_LOOKS) as RunKind[];
export const STATES = Object.keys(STATE_LOOKS) as RunState[];
const SORTS = ["id", "name", "state", "kind", "progress", "created_at", "started_at", "duration"] as const;

export interface RunsSearch {
  q: string | undefined;
  experiment: number | undefined;
  parent: number | undefined;
  seeds: string | undefined;
  tag: string | undefined;
  kinds: readonly RunKind[];
  states: readonly RunState[];
  archived: boolean;
  sort: (typeof SORTS)[number];
  descending: boolean;
  page: number;
  /** Hidden columns. */
  hide: readonly string[];
}

export const HIDDEN_AT_FIRST: readonly string[] = ["owner", "attempt", "seed", "loss", "tags"];

export function readRunsSearch(raw: RawSearch): RunsSearch {
  return {
    q: textIn(raw, "q"),
    experiment: numberIn(raw, "experiment"),
    parent: numberIn(raw, "parent"),
    seeds: textIn(raw, "seeds"),
    tag: textIn(raw, "tag"),
    kinds: listIn(raw.kinds).filter((one) => isIn(KINDS, one)),
    states: listIn(raw.states).filter((one) => isIn(STATES, one)),
    archived: raw.archived === true,
    sort: isIn(SORTS, raw.sort) ? raw.sort : "id",
    descending: raw.descending !== false,
    page: Math.max(1, numberIn(raw, "page") ?? 1),
    hide: Array.isArray(raw.hide) ? listIn(raw.hide) : HIDDEN_AT_FIRST,
  };
}

function listIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
}
