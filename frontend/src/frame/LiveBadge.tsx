/** Says whether the pages follow the server, or show what they last heard. */
import { Tooltip } from "@mantine/core";

import { type Liveness, useLiveness } from "@/api/live";

import classes from "./Frame.module.css";

const WORDS = {
  connecting: { word: "Connecting", why: "The stream of changes is being opened." },
  live: { word: "Live", why: "Every change on the server shows here by itself." },
  stale: { word: "Stale", why: "The server's stream broke off; this page shows what it heard last. It reconnects by itself." },
} satisfies Record<Liveness, { word: string; why: string }>;

export function LiveBadge({ isNarrow }: { isNarrow: boolean }) {
  const liveness = useLiveness();
  const { word, why } = WORDS[liveness];
  return (
    <Tooltip label={why} position="right">
      <div className={classes.live} data-liveness={liveness} role="status" aria-label={word}>
        <span className={classes.dot} />
        {!isNarrow && word}
      </div>
    </Tooltip>
  );
}
