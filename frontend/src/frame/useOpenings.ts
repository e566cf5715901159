/** Keys that work on every page: Ctrl-K and / search, ? helps, g goes. */
import { useHotkeys } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";

export const GOES = { h: "/", e: "/experiments", r: "/runs", l: "/launch", c: "/checkpoints", d: "/datasets", s: "/settings" } as const;
const CHORD_MS = 1200;

export function useOpenings() {
  const [opened, setOpened] = useState<"palette" | "help" | null>(null);
  const navigate = useNavigate();
  const chordUntil = useRef(0);
  const go = (key: keyof typeof GOES) => () => {
    if (Date.now() > chordUntil.current) return;
    chordUntil.current = 0;
    void navigate({ to: GOES[key] });
  };
  useHotkeys([
    ["mod+K", () => setOpened("palette")],
    ["/", () => focusSearch() || setOpened("palette")],
    ["shift+?", () => setOpened("help")],
    ["?", () => setOpened("help")],
    ["g", () => void (chordUntil.current = Date.now() + CHORD_MS)],
    ["h", go("h")],
    ["e", go("e")],
    ["r", go("r")],
    ["l", go("l")],
    ["c", go("c")],
    ["d", go("d")],
    ["s", go("s")],
  ]);
  return { opened, open: setOpened, close: () => setOpened(null) };
}

/** The page's own search box, when it has one. */
function focusSearch(): boolean {
  const box = document.querySelector<HTMLInputElement>("input[type=search]");
  box?.focus();
  return box !== null;
}
