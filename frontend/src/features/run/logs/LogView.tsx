/** Only the lines on screen are in the page, however long the log is. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useEffectEvent, useRef } from "react";

import { followsAfter, type Scroll } from "./follow";
import classes from "./LogView.module.css";
import type { Log } from "./useLog";

const LINE_HEIGHT = 18;

interface LogViewProps {
  log: Log;
  text: string;
  /** The line that the address points to. */
  line: number | null;
  isFollowing: boolean;
  onFollow: (isFollowing: boolean) => void;
  onShown: (first: number, last: number) => void;
  onLine: (line: number) => void;
}

export function LogView({ log, text, line, isFollowing, onFollow, onShown, onLine }: LogViewProps) {
  const box = useRef<HTMLDivElement>(null);
  const before = useRef<Scroll>({ top: 0, height: 0, shown: 0 });
  // eslint-disable-next-line react-hooks/incompatible-library -- no compiler memoises these pages
  const rows = useVirtualizer({
    count: log.total,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 30,
  });
  const items = rows.getVirtualItems();
  const [first, last] = [items[0]?.index ?? 0, items.at(-1)?.index ?? 0];
  const tellShown = useEffectEvent(onShown);
  useEffect(() => tellShown(first, last), [first, last]);

  const toEnd = useEffectEvent(() => rows.scrollToIndex(log.total - 1, { align: "end" }));
  useEffect(() => {
    if (isFollowing) toEnd();
  }, [isFollowing, log.total]);
  const toLine = useEffectEvent((wanted: number) => rows.scrollToIndex(wanted, { align: "center" }));
  useEffect(() => {
    if (line !== null) toLine(line);
  }, [line]);

  const scrolled = () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current ?? { scrollTop: 0, scrollHeight: 0, clientHeight: 0 };
    const after = { top: scrollTop, height: scrollHeight, shown: clientHeight };
    const next = followsAfter(isFollowing, before.current, after);
    before.current = after;
    if (next !== isFollowing) onFollow(next);
  };
  return (
    // The box itself must take the focus, so that the keyboard can scroll it.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div ref={box} className={classes.box} tabIndex={0} role="log" aria-live="off" aria-label="Output" onScroll={scrolled}>
      <div style={{ height: rows.getTotalSize(), position: "relative" }}>
        {items.map(({ index, start }) => (
          <div
            key={index}
            className={classes.line}
            data-marked={index === line || undefined}
            style={{ transform: `translateY(${start}px)` }}
          >
            <button type="button" className={classes.number} aria-label={`Line ${index + 1}`} onClick={() => onLine(index)}>
              {index + 1}
            </button>
            <span className={classes.text}>
              <Marked line={log.lineAt(index) ?? "…"} text={text} />
            </span>
          </div>
        ))}
      </div>
    </div>
  );
}

/** The line with what was searched for marked. */
function Marked({ line, text }: { line: string; text: string }) {
  const place = text ? line.toLowerCase().indexOf(text.toLowerCase()) : -1;
  if (place < 0) return line;
  return (
    <>
      {line.slice(0, place)}
      <mark className={classes.hit}>{line.slice(place, place + text.length)}</mark>
      {line.slice(place + text.length)}
    </>
  );
}
