/** Through a table by keys: j and k go from row to row, Enter opens, x selects. */
import { useHotkeys } from "@mantine/hooks";
import type { RefObject } from "react";

export function useRowKeys(body: RefObject<HTMLElement | null>): void {
  useHotkeys([
    ["j", () => focusRow(body.current, 1)],
    ["k", () => focusRow(body.current, -1)],
    ["x", () => rowInFocus(body.current)?.querySelector<HTMLElement>("input[type=checkbox]")?.click()],
  ]);
}

function rowInFocus(body: HTMLElement | null): Element | null {
  const row = document.activeElement?.closest("tbody tr") ?? null;
  return row && body?.contains(row) ? row : null;
}

/** The link of the row after (or before) the one in focus; without one, of the first. */
function focusRow(body: HTMLElement | null, direction: 1 | -1): void {
  const rows = [...(body?.querySelectorAll("tbody tr:not([aria-hidden])") ?? [])];
  const now = rowInFocus(body);
  const next = now ? rows[rows.indexOf(now) + direction] : rows[0];
  const link = next?.querySelector<HTMLElement>("a");
  link?.focus();
  link?.scrollIntoView({ block: "nearest" });
}
