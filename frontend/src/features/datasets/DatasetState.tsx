/** Where the index of a data set stands. */
import { IconCheck, IconClock, IconLoader2, IconX, type TablerIcon } from "@tabler/icons-react";

import { Pill, type Tone } from "@/ui/StatePill";

import type { Dataset } from "./queries";

interface Look {
  word: string;
  tone: Tone;
  icon: TablerIcon;
  turns?: boolean;
}

const LOOKS = {
  waiting: { word: "Waiting", tone: "blue", icon: IconClock },
  indexing: { word: "Indexing", tone: "cyan", icon: IconLoader2, turns: true },
  ready: { word: "Ready", tone: "green", icon: IconCheck },
  failed: { word: "Failed", tone: "red", icon: IconX },
} satisfies Record<Dataset["state"], Look>;

export function DatasetState({ state }: Pick<Dataset, "state">) {
  const { word, ...look }: Look = LOOKS[state];
  return <Pill {...look}>{word}</Pill>;
}

/** The index is still being made: its numbers will change. */
export function isUnderWay({ state }: Pick<Dataset, "state">): boolean {
  return state === "waiting" || state === "indexing";
}
