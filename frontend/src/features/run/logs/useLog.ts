/** Lines of a log of any length: the newest, and those that are on screen. */
import { useQueries, useQuery } from "@tanstack/react-query";

import { logsQuery } from "../queries";

export const PAGE = 500;

export interface Log {
  total: number;
  lineAt: (line: number) => string | undefined;
  failure: Error | null;
  isWaiting: boolean;
}

/** `first` to `last` are the lines on screen, from 0; `isLive` asks again for the newest. */
export function useLog(runId: number, first: number, last: number, isLive: boolean): Log {
  const newest = useQuery({
    ...logsQuery(runId, { firstLine: undefined, numLines: PAGE, search: "" }),
    refetchInterval: isLive ? 1_500 : false,
  });
  const tail = newest.data;
  const starts = tail ? pagesBetween(first, Math.min(last, tail.first_line - 1)) : [];
  const pages = useQueries({
    queries: starts.map((firstLine) => ({
      ...logsQuery(runId, { firstLine, numLines: PAGE, search: "" }),
      staleTime: Infinity,
    })),
    combine: (results) => results.map(({ data }) => data),
  });
  const parts = [tail, ...pages].filter((part) => part !== undefined);
  return {
    total: tail?.total_lines ?? 0,
    lineAt: (line) => parts.map((part) => part.lines[line - part.first_line]).find((text) => text !== undefined),
    failure: tail ? null : newest.error,
    isWaiting: newest.isPending,
  };
}

/** First lines of the pages that hold some lines. */
export function pagesBetween(first: number, last: number): number[] {
  const starts = [];
  for (let page = Math.floor(Math.max(0, first) / PAGE); page * PAGE <= last; page++) starts.push(page * PAGE);
  return starts;
}

/** Numbers of the lines that match a text. */
export function useHits(runId: number, search: string) {
  return useQuery({ ...logsQuery(runId, { firstLine: undefined, numLines: 1, search }), enabled: search !== "" });
}
