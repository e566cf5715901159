/** A run's output: followed while it lasts, searched on the server, each line with an address. */
import { Alert, Paper, Skeleton, Stack } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { ErrorBox } from "@/ui/ErrorBox";

import { logsQuery, type Run } from "../queries";
import type { RunSearch } from "../search";
import { nextHit } from "./follow";
import { LogToolbar } from "./LogToolbar";
import { LogView } from "./LogView";
import { useHits, useLog } from "./useLog";

const MOST_COPIED = 5_000;

interface LogsTabProps {
  run: Run;
  search: RunSearch;
  onSearch: (patch: Partial<RunSearch>) => void;
}

export function LogsTab({ run, search, onSearch }: LogsTabProps) {
  const client = useQueryClient();
  const [shown, setShown] = useState<[number, number]>([0, 0]);
  const [isFollowing, setFollowing] = useState(search.line === undefined && !search.search);
  const log = useLog(run.id, shown[0], shown[1], run.ended_at === null);
  const text = search.search ?? "";
  const found = useHits(run.id, text);
  const hits = text ? (found.data?.hits ?? []) : [];
  const line = search.line === undefined ? null : search.line - 1;
  if (log.failure) return <ErrorBox error={log.failure} />;
  if (log.isWaiting) return <Skeleton h={420} />;
  if (log.total === 0) return <Alert color="gray">{run.waits_for ?? "Nothing has been printed yet."}</Alert>;

  const goTo = (wanted: number | null) => {
    if (wanted === null) return;
    setFollowing(false);
    onSearch({ line: wanted + 1 });
  };
  const copy = async () => {
    const asked = logsQuery(run.id, { firstLine: undefined, numLines: MOST_COPIED, search: "" });
    const { lines } = await client.fetchQuery(asked);
    await navigator.clipboard.writeText(lines.join("\n"));
  };
  return (
    <Stack gap="xs">
      <LogToolbar
        total={log.total}
        text={text}
        hits={hits}
        line={line}
        isFollowing={isFollowing}
        onText={(search) => onSearch({ search: search || undefined, line: undefined })}
        onHit={(direction) => goTo(nextHit(hits, line ?? (direction === 1 ? -1 : log.total), direction))}
        onFollow={setFollowing}
        onCopy={copy}
        downloadUrl={`/api/v1/runs/${run.id}/logs/download`}
      />
      <Paper className="card">
        <LogView
          log={log}
          text={text}
          line={line}
          isFollowing={isFollowing}
          onFollow={setFollowing}
          onShown={(first, last) => setShown([first, last])}
          onLine={(wanted) => goTo(wanted)}
        />
      </Paper>
    </Stack>
  );
}
