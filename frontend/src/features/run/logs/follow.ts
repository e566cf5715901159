/** Whether a log goes on following its end. */

export interface Scroll {
  top: number;
  height: number;
  shown: number;
}

/** Pixels from the end that still count as the end. */
const NEAR = 24;

/** Scrolling up stops it, reaching the end starts it; a log that only grew changes nothing. */
export function followsAfter(isFollowing: boolean, before: Scroll, after: Scroll): boolean {
  if (after.height - after.top - after.shown <= NEAR) return true;
  return after.top < before.top ? false : isFollowing;
}

/** The hit after (or before) a line, round the end; null without hits. */
export function nextHit(hits: readonly number[], line: number, direction: 1 | -1): number | null {
  if (hits.length === 0) return null;
  if (direction === 1) return hits.find((hit) => hit > line) ?? hits[0] ?? null;
  return hits.findLast((hit) => hit < line) ?? hits.at(-1) ?? null;
}
