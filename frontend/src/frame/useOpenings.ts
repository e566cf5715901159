/** Keys that work on every page: Ctrl-K and / search, ? helps, g goes. */
import { type HotkeyItem, useHotkeys } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";

import { PLACES } from "./rail";

const CHORD_MS = 1200;

export function useOpenings() {
  const [opened, setOpened] = useState<"palette" | "help" | null>(null);
  const navigate = useNavigate();
  const chordUntil = useRef(0);
  const go = (to: string) => () => {
    if (Date.now() > chordUntil.current) return;
    chordUntil.current = 0;
    void navigate({ to });
  };
  // A finger in a field may still want the palette; the plain letters are the field's own.
  useHotkeys([["mod+K", () => setOpened("palette")]], []);
  useHotkeys([
    ["/", () => focusSearch() || setOpened("palette")],
    ["shift+?", () => setOpened("help")],
    ["?", () => setOpened("help")],
    ["g", () => void (chordUntil.current = Date.now() + CHORD_MS)],
    ...PLACES.map(({ key, to }): HotkeyItem => [key, go(to)]),
  ]);
  return { opened, open: setOpened, close: () => setOpened(null) };
}

/** The page's own search box, when it has one. */
function focusSearch(): boolean {
  const box = document.querySelector<HTMLInputElement>("input[type=search]");
  box?.focus();
  return box !== null;
}
