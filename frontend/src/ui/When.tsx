/** A moment: how long ago it was, and on hover when exactly. */
import { Tooltip } from "@mantine/core";

import { formatAbsolute, formatRelative } from "./format";
import { useNow } from "./useNow";

export function When({ at }: { at: string | null | undefined }) {
  const now = useNow();
  if (!at) return <>–</>;
  return (
    <Tooltip label={formatAbsolute(at)}>
      <time dateTime={at} style={{ whiteSpace: "nowrap" }}>
        {formatRelative(at, now)}
      </time>
    </Tooltip>
  );
}
