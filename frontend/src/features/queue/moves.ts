/** What a row's menu and a drop ask for: pure. */
import type { Move, Waiting } from "./queries";

/** Where a row is to stand that was dropped on another: before it on the way up, after it on the way down. */
export function moveOfDrop(rows: readonly Waiting[], dragged: number, target: number): Move | null {
  const from = rows.findIndex(({ run }) => run.id === dragged);
  const to = rows.findIndex(({ run }) => run.id === target);
  if (from < 0 || to < 0 || from === to || rows[to]?.place === null) return null;
  return { to: from > to ? "before" : "after", other: target };
}

/** One place up or down; null at the end of the queue. */
export function moveBy(rows: readonly Waiting[], id: number, by: -1 | 1): Move | null {
  const placed = rows.filter(({ place }) => place !== null);
  const peer = placed[placed.findIndex(({ run }) => run.id === id) + by];
  return peer ? { to: by < 0 ? "before" : "after", other: peer.run.id } : null;
}
