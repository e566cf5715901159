/** What the table of runs asks, and what it asks to be done. */
import { keepPreviousData, queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api, type Schemas, unwrap } from "@/api/client";
import { experimentNamesQuery } from "@/api/queries";
import { tellRefusal } from "@/ui/tell";

import type { RunsSearch } from "./search";

export type Run = Schemas["RunView"];
export type BulkAction = Schemas["BulkRequest"]["action"];
export type BulkAnswer = Schemas["BulkView"];

export const PAGE_SIZE = 100;

export const runsQuery = (search: RunsSearch) =>
  queryOptions({
    queryKey: ["runs", "list", search],
    queryFn: () => readRuns(search, search.page, PAGE_SIZE),
    placeholderData: keepPreviousData,
  });

function readRuns(search: RunsSearch, page: number, size: number) {
  const query = {
    experiment_id: search.experiment,
    kind: [...search.kinds],
    state: [...search.states],
    tag: search.tag,
    parent_id: search.parent,
    seed_group: search.seeds,
    q: search.q,
    archived: search.archived,
    sort: search.sort,
    descending: search.descending,
    page,
    size,
  };
  return unwrap(api.GET("/api/v1/runs", { params: { query } }));
}

/** As many as the server acts on in one request. */
export const MOST_AT_ONCE = 1000;
const LARGEST_PAGE = 500;

/** The runs that a search finds, on whatever page they are. */
export function useAllMatching() {
  return useMutation({
    mutationFn: async (search: RunsSearch) => {
      const pages = Array.from({ length: MOST_AT_ONCE / LARGEST_PAGE }, (_, place) => readRuns(search, place + 1, LARGEST_PAGE));
      return (await Promise.all(pages)).flatMap(({ items }) => items);
    },
    onError: tellRefusal,
  });
}

export const useRuns = (search: RunsSearch) => useQuery(runsQuery(search));
export const useExperimentNames = () => useQuery(experimentNamesQuery);

export function useBulk() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Schemas["BulkRequest"]) => unwrap(api.POST("/api/v1/runs/bulk", { body })),
    onSettled: () => client.invalidateQueries({ queryKey: ["runs"] }),
    onError: tellRefusal,
  });
}
