/** State of a page that lives in its address, so that a link shows what its sender saw. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";

export type RawSearch = Record<string, unknown>;

/** What `read` makes of the address, and a way to change parts of it; undefined takes a part out. */
export function useUrlState<T extends object>(read: (raw: RawSearch) => T): [T, (patch: Partial<T>) => void] {
  const raw: RawSearch = useSearch({ strict: false });
  const navigate = useNavigate();
  const state = useMemo(() => read(raw), [raw, read]);
  const change = useCallback(
    (patch: Partial<T>) => {
      void navigate({ to: ".", search: (old: RawSearch) => ({ ...old, ...patch }), replace: true, resetScroll: false });
    },
    [navigate],
  );
  return [state, change];
}

export function textIn(raw: RawSearch, key: string): string | undefined {
  const value = raw[key];
  return typeof value === "string" && value !== "" ? value : typeof value === "number" ? String(value) : undefined;
}

export function numberIn(raw: RawSearch, key: string): number | undefined {
  const value = Number(raw[key] ?? Number.NaN);
  return Number.isFinite(value) ? value : undefined;
}

export function isIn<T extends string>(all: readonly T[], value: unknown): value is T {
  return all.some((one) => one === value);
}
