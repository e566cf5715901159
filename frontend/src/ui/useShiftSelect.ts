/** Choosing rows one by one, all at once, or a whole stretch with shift. */
import { useCallback, useEffect, useRef } from "react";

export interface Selection {
  ids: ReadonlySet<number>;
  onChange: (ids: ReadonlySet<number>) => void;
}

const NOTHING: ReadonlySet<number> = new Set();

export function useShiftSelect(ids: readonly number[], selection: Selection | undefined) {
  const anchor = useRef<number | null>(null);
  const chosen = selection?.ids ?? NOTHING;
  const latest = useRef({ ids, selection });
  useEffect(() => {
    latest.current = { ids, selection };
  });
  const toggle = useCallback((id: number, isStretch: boolean) => {
    const { ids, selection } = latest.current;
    const before = selection?.ids ?? NOTHING;
    const stretch = isStretch && anchor.current !== null ? between(ids, anchor.current, id) : [id];
    anchor.current = id;
    selection?.onChange(withAll(before, stretch, !before.has(id)));
  }, []);
  const count = ids.filter((id) => chosen.has(id)).length;
  const isAll = ids.length > 0 && count === ids.length;
  return {
    isAll,
    isSome: count > 0 && !isAll,
    toggleAll: () => selection?.onChange(withAll(chosen, ids, !isAll)),
    /** The same function at every drawing, so that rows that did not change need not be drawn. */
    toggle,
  };
}

/** The ids from one to another, both included, in either direction. */
export function between(ids: readonly number[], from: number, to: number): readonly number[] {
  const [a, b] = [ids.indexOf(from), ids.indexOf(to)];
  return a < 0 || b < 0 ? [to] : ids.slice(Math.min(a, b), Math.max(a, b) + 1);
}

function withAll(chosen: ReadonlySet<number>, ids: readonly number[], isIn: boolean): ReadonlySet<number> {
  const next = new Set(chosen);
  for (const id of ids) {
    if (isIn) next.add(id);
    else next.delete(id);
  }
  return next;
}
