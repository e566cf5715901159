/** What changed in the neighbours of a query from one checkpoint to the next. */
import type { Neighbour, Query, Sibling } from "./queries";

export interface Turnover {
  /** Items that were not among the neighbours before. */
  arrived: ReadonlySet<number>;
  /** Neighbours that are gone. */
  left: readonly Neighbour[];
}

/** Null when the query was not answered before, so that nothing can be called new. */
export function turnover(now: Query, before: readonly Query[] | undefined): Turnover | null {
  const past = before?.find((query) => query.position === now.position);
  if (!past) return null;
  const [then, current] = [itemsOf(past), itemsOf(now)];
  return {
    arrived: new Set([...current].filter((item) => !then.has(item))),
    left: past.neighbours.filter(({ clip }) => !current.has(clip.item_id)),
  };
}

function itemsOf(query: Query): Set<number> {
  return new Set(query.neighbours.map(({ clip }) => clip.item_id));
}

/** The same protocol on the checkpoint before this one, if any was measured. */
export function checkpointBefore(siblings: readonly Sibling[], runId: number): Sibling | undefined {
  const measured = siblings.filter(hasScores);
  const place = measured.findIndex((sibling) => sibling.run_id === runId);
  return place > 0 ? measured[place - 1] : undefined;
}

/** The untrained trunk's scores, if they were measured. */
export function untrained(siblings: readonly Sibling[]): Sibling | undefined {
  return siblings.find((sibling) => sibling.step === 0 && hasScores(sibling));
}

function hasScores(sibling: Sibling): boolean {
  return Object.keys(sibling.values).length > 0;
}

/** Siblings that a slider can stop at, in the order of the checkpoints. */
export function measured(siblings: readonly Sibling[]): Sibling[] {
  return siblings.filter(hasScores).sort((a, b) => a.step - b.step);
}
