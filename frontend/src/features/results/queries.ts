/** Published numbers with ours beside them, and our own experiments. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";

import { api, type Schemas, unwrap } from "@/api/client";

export type PaperTable = Schemas["PaperTable"];
export type OwnTable = Schemas["OwnTable"];
export type Measured = Schemas["Measured"];

/** Keys begin with "runs", because every change of a run may change a cell. */
export const publishedQuery = (experiment: number | undefined) =>
  queryOptions({
    queryKey: ["runs", "results", "published", experiment],
    queryFn: () => unwrap(api.GET("/api/v1/results/published", { params: { query: { experiment_id: experiment } } })),
    placeholderData: keepPreviousData,
  });

export const ownQuery = (experiment: number | undefined) =>
  queryOptions({
    queryKey: ["runs", "results", "own", experiment],
    queryFn: () => unwrap(api.GET("/api/v1/results/own", { params: { query: { experiment_id: experiment } } })),
    placeholderData: keepPreviousData,
  });
