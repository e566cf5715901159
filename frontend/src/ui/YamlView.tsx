/** YAML with numbered lines: read only, or to be edited. */
import { useId, useRef } from "react";

import { CopyButton } from "./CopyButton";
import classes from "./YamlView.module.css";

interface YamlViewProps {
  text: string;
  label: string;
  onChange?: (text: string) => void;
  /** Line (from 1) that cannot be read. */
  faultyLine?: number | undefined;
  /** Rows shown before it scrolls. */
  rows?: number;
}

export function YamlView({ text, label, onChange, faultyLine, rows = 30 }: YamlViewProps) {
  const gutter = useRef<HTMLDivElement>(null);
  const id = useId();
  const count = text.split("\n").length;
  return (
    <div className={classes.frame}>
      <div className={classes.copy}>
        <CopyButton value={text} label="Copy the YAML" />
      </div>
      <div ref={gutter} className={classes.gutter} aria-hidden style={{ maxHeight: `calc(${rows * 1.5}em + 16px)` }}>
        {Array.from({ length: count }, (_, place) => (
          <div key={place} data-faulty={place + 1 === faultyLine || undefined}>
            {place + 1}
          </div>
        ))}
      </div>
      <textarea
        id={id}
        className={classes.text}
        aria-label={label}
        aria-invalid={faultyLine !== undefined}
        value={text}
        rows={Math.min(rows, Math.max(6, count))}
        readOnly={!onChange}
        spellCheck={false}
        wrap="off"
        onChange={(event) => onChange?.(event.currentTarget.value)}
        onScroll={(event) => gutter.current?.scrollTo({ top: event.currentTarget.scrollTop })}
      />
    </div>
  );
}
