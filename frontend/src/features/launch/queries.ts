/** Recipes, the form's schema, what a launch would do, and the launch itself. */
import { keepPreviousData, queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api, type Schemas, unwrap } from "@/api/client";
import { hostsQuery, recipesQuery } from "@/api/queries";

import type { Schema } from "./form/schema";

export type LaunchRequest = Schemas["LaunchRequest"];
export type Preview = Schemas["PreviewView"];
export type Checkpoint = Schemas["CheckpointView"];

export const schemaQuery = queryOptions({
  queryKey: ["definition-schema"],
  queryFn: async () => (await unwrap(api.GET("/api/v1/definition-schema"))) as Schema,
  staleTime: Infinity,
});

export const cloneQuery = (run_id: number | undefined) =>
  queryOptions({
    queryKey: ["runs", run_id, "clone"],
    queryFn: () => readClone(run_id ?? 0),
    enabled: run_id !== undefined,
    staleTime: Infinity,
  });

/** What the run was asked to do, and its name. */
async function readClone(run_id: number) {
  const at = { params: { path: { run_id } } };
  const [asked, { name }] = await Promise.all([
    unwrap(api.GET("/api/v1/runs/{run_id}/clone", at)),
    unwrap(api.GET("/api/v1/runs/{run_id}", at)),
  ]);
  return { asked, name };
}

export const rootsQuery = queryOptions({
  queryKey: ["datasets", "list"],
  queryFn: () => unwrap(api.GET("/api/v1/datasets")),
});

export const choosableCheckpointsQuery = queryOptions({
  queryKey: ["checkpoints", "choosable"],
  queryFn: () => unwrap(api.GET("/api/v1/checkpoints", { params: { query: { removed: false, size: 200 } } })),
});

export const previewQuery = (request: LaunchRequest | null) =>
  queryOptions({
    queryKey: ["launch-preview", request],
    queryFn: () => unwrap(api.POST("/api/v1/runs/preview", { body: request ?? neverAsked() })),
    enabled: request !== null,
    placeholderData: keepPreviousData,
    retry: false,
    gcTime: 60_000,
  });

function neverAsked(): never {
  throw new Error("A preview was asked of nothing.");
}

export const useRecipes = () => useQuery(recipesQuery);
export const useSchema = () => useQuery(schemaQuery);
export const useClone = (runId: number | undefined) => useQuery(cloneQuery(runId));
export const useRoots = () => useQuery(rootsQuery);
export const useChoosableCheckpoints = () => useQuery(choosableCheckpointsQuery);
export const usePreview = (request: LaunchRequest | null) => useQuery(previewQuery(request));

export function useLaunch() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: LaunchRequest) => unwrap(api.POST("/api/v1/runs", { body })),
    onSuccess: () =>
      Promise.all([client.invalidateQueries({ queryKey: ["runs"] }), client.invalidateQueries({ queryKey: ["experiments"] })]),
  });
}

/** Every label that some host has, as a definition requires it. */
export function useLabels(): string[] {
  const { data } = useQuery(hostsQuery);
  const found = (data ?? []).flatMap(({ labels }) => Object.entries(labels).map(([name, value]) => `${name}=${value}`));
  return [...new Set(found)].sort();
}
