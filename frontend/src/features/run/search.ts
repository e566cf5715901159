/** What of the run page lives in its address. */
import type { XAxis } from "@/charts/lines";
import { isIn, numberIn, type RawSearch, textIn } from "@/ui/useUrlState";

export const TABS = ["overview", "charts", "health", "evaluations", "checkpoints", "views", "logs", "configuration"] as const;
export type Tab = (typeof TABS)[number];

const AXES = ["step", "epoch", "time"] as const satisfies readonly XAxis[];

export interface RunSearch {
  tab: Tab;
  x: XAxis;
  smooth: number;
  log: boolean | undefined;
  /** Zoom on the x axis. */
  from: number | undefined;
  to: number | undefined;
  /** Curves of the seed group's other runs as well. */
  seeds: boolean | undefined;
  /** Text that a panel's name must hold. */
  find: string | undefined;
  /** Collapsed sections, separated by commas. */
  closed: string | undefined;
  /** Text searched in the log, and the line that a link points to (from 1). */
  search: string | undefined;
  line: number | undefined;
  /** The newest checkpoint is about to be evaluated. */
  evaluate: boolean | undefined;
}

export function readRunSearch(raw: RawSearch): RunSearch {
  return {
    tab: isIn(TABS, raw.tab) ? raw.tab : "overview",
    x: isIn(AXES, raw.x) ? raw.x : "step",
    smooth: Math.min(0.99, Math.max(0, numberIn(raw, "smooth") ?? 0)),
    log: raw.log === true || undefined,
    from: numberIn(raw, "from"),
    to: numberIn(raw, "to"),
    seeds: raw.seeds === true || undefined,
    find: textIn(raw, "find"),
    closed: textIn(raw, "closed"),
    search: textIn(raw, "search"),
    line: numberIn(raw, "line"),
    evaluate: raw.evaluate === true || undefined,
  };
}

/** The zoomed range of x, if there is one. */
export function rangeIn({ from, to }: RunSearch): [number, number] | null {
  return from !== undefined && to !== undefined && from < to ? [from, to] : null;
}
