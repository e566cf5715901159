/** What the retrieval pages ask the server. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";

import { api, type Schemas, unwrap } from "@/api/client";

import type { QueryFilter } from "./filter";

export type Retrieval = Schemas["RetrievalView"];
export type Query = Schemas["QueryView"];
export type Neighbour = Schemas["NeighbourView"];
export type Sibling = Schemas["ScoredCheckpoint"];

export const PAGE_SIZE = 6;
const LARGEST_PAGE = 50;

export const retrievalQuery = (run_id: number) =>
  queryOptions({
    queryKey: ["runs", run_id, "retrieval"],
    queryFn: () => unwrap(api.GET("/api/v1/runs/{run_id}/retrieval", { params: { path: { run_id } } })),
    placeholderData: keepPreviousData,
  });

export const queriesQuery = (run_id: number, { label, failures, k, page }: QueryFilter) =>
  queryOptions({
    queryKey: ["retrieval", run_id, "queries", { label, failures, k, page }],
    queryFn: () => readQueries(run_id, { label, failures, k, page, size: PAGE_SIZE }),
    placeholderData: keepPreviousData,
  });

/** The same queries as another run answered them, to see which neighbours are new. */
export const answersQuery = (run_id: number | undefined, filter: QueryFilter, positions: readonly number[]) =>
  queryOptions({
    queryKey: ["retrieval", run_id, "answers", filter, positions],
    queryFn: () => readAnswers(run_id ?? 0, filter, positions),
    enabled: run_id !== undefined && positions.length > 0,
  });

export const retrievalRunsQuery = (page: number, size: number) =>
  queryOptions({
    queryKey: ["runs", "list", { kind: "retrieval", page, size }],
    queryFn: () =>
      unwrap(api.GET("/api/v1/runs", { params: { query: { kind: ["retrieval"], page, size, sort: "id" } } })),
    placeholderData: keepPreviousData,
  });

type Asked = Partial<QueryFilter> & { page: number; size: number };

function readQueries(run_id: number, query: Asked) {
  const path = { run_id };
  return unwrap(api.GET("/api/v1/runs/{run_id}/retrieval/queries", { params: { path, query } }));
}

/** Which of the queries fail differs between checkpoints, so among failures they are found by position. */
async function readAnswers(run_id: number, filter: QueryFilter, positions: readonly number[]): Promise<Query[]> {
  const { k, label, page } = filter;
  if (!filter.failures) return (await readQueries(run_id, { k, label, page, size: PAGE_SIZE })).items;
  const pages = new Set(positions.map((position) => Math.floor(position / LARGEST_PAGE) + 1));
  const asked = [...pages].map((page) => readQueries(run_id, { k, page, size: LARGEST_PAGE }));
  return (await Promise.all(asked)).flatMap(({ items }) => items);
}
