/** The selected runs, also those of other pages of the table. */
import { useMemo, useState } from "react";

import type { Run } from "./queries";

interface Chosen {
  ids: ReadonlySet<number>;
  /** As the table shows them now; those that it does not show as they were when they were chosen. */
  chosen: Run[];
  choose: (ids: ReadonlySet<number>, found?: readonly Run[]) => void;
}

export function useChosen(rows: readonly Run[]): Chosen {
  const [known, setKnown] = useState<ReadonlyMap<number, Run>>(new Map());
  const shown = useMemo(() => new Map(rows.map((run) => [run.id, run])), [rows]);
  const ids = useMemo(() => new Set(known.keys()), [known]);
  const choose = (wanted: ReadonlySet<number>, found: readonly Run[] = []) => {
    const all = new Map([...known, ...shown, ...found.map((run): [number, Run] => [run.id, run])]);
    setKnown(new Map([...all].filter(([id]) => wanted.has(id))));
  };
  return { ids, chosen: [...known].map(([id, run]) => shown.get(id) ?? run), choose };
}
