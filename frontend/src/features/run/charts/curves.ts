/** Curves: read whole once, then only what came since. */
import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";

import { api, unwrap } from "@/api/client";
import { extended, type Series } from "@/charts/lines";

export interface CurvesAsked {
  /** Runs with their attempt: a new attempt goes over steps again, so everything is read anew. */
  runs: readonly { id: number; attempt: number }[];
  keys: readonly string[];
  /** First and last step, null for all. */
  steps: readonly [number, number] | null;
  width: number;
}

export const curvesQuery = (asked: CurvesAsked) =>
  queryOptions({
    queryKey: ["runs", asked.runs[0]?.id, "metrics", "curves", asked],
    queryFn: ({ client, queryKey }) => refreshed(asked, client.getQueryData<Series[]>(queryKey)),
    placeholderData: keepPreviousData,
    staleTime: 1_000,
  });

/** `isLive`: a run other than the page's own is still going, whose news the page is not told. */
export function useCurves(asked: CurvesAsked, isWanted: boolean, isLive: boolean) {
  return useQuery({ ...curvesQuery(asked), enabled: isWanted, refetchInterval: isLive ? 5_000 : false });
}

/** A range of steps rounded outwards, so that points that arrive do not ask for a new range each time. */
export function outwards(steps: readonly [number, number] | null): [number, number] | null {
  if (!steps) return null;
  const [first, last] = steps;
  const grain = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, last - first) / 8)));
  return [Math.floor(first / grain) * grain, Math.ceil((last + 1) / grain) * grain];
}

async function refreshed(asked: CurvesAsked, known: Series[] | undefined): Promise<Series[]> {
  if (!known?.length || known.some(({ step }) => step.length > 2 * asked.width)) return readWhole(asked);
  const cursors = [...new Set(known.map(({ cursor }) => cursor))];
  const news = await Promise.all(cursors.map((after) => readSince(asked, after)));
  return merged(known, new Map(cursors.map((after, place) => [after, news[place] ?? []])));
}

/** Known series with the news of their own cursor, and series that began since the newest one. */
export function merged(known: readonly Series[], news: ReadonlyMap<number, readonly Series[]>): Series[] {
  const grown = known.map((series) => extended(series, find(news.get(series.cursor) ?? [], series)));
  const newest = news.get(Math.max(...news.keys())) ?? [];
  return [...grown, ...newest.filter((series) => !find(known, series))];
}

function find(all: readonly Series[], { run_id, key }: Series): Series | undefined {
  return all.find((one) => one.run_id === run_id && one.key === key);
}

async function readWhole({ runs, keys, steps, width }: CurvesAsked): Promise<Series[]> {
  const query = { run: idsOf(runs), key: [...keys], width, first_step: steps?.[0], last_step: steps?.[1] };
  return (await unwrap(api.GET("/api/v1/metrics", { params: { query } }))).series;
}

async function readSince({ runs, keys }: CurvesAsked, after: number): Promise<Series[]> {
  const query = { run: idsOf(runs), key: [...keys], after };
  return (await unwrap(api.GET("/api/v1/metrics", { params: { query } }))).series;
}

function idsOf(runs: CurvesAsked["runs"]): number[] {
  return runs.map(({ id }) => id);
}
