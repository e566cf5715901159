/** Choosing rows one by one, all at once, or a whole stretch with shift. */
import { useRef } from "react";

export interface Selection {
  ids: ReadonlySet<number>;
  onChange: (ids: ReadonlySet<number>) => void;
}

export function useShiftSelect(ids: readonly number[], selection: Selection | undefined) {
  const anchor = useRef<number | null>(null);
  const chosen = selection?.ids ?? new Set<number>();
  const count = ids.filter((id) => chosen.has(id)).length;
  const isAll = ids.length > 0 && count === ids.length;
  return {
    isAll,
    isSome: count > 0 && !isAll,
    toggleAll: () => selection?.onChange(withAll(chosen, ids, !isAll)),
    toggle: (id: number, isStretch: boolean) => {
      const stretch = isStretch && anchor.current !== null ? between(ids, anchor.current, id) : [id];
      anchor.current = id;
      selection?.onChange(withAll(chosen, stretch, !chosen.has(id)));
    },
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
