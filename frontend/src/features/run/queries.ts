/** What the run page asks the server, and what it asks it to do. */
import { keepPreviousData, queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api, type Schemas, unwrap } from "@/api/client";
import { recipesQuery } from "@/api/queries";
import { tellRefusal } from "@/ui/tell";

export type Run = Schemas["RunDetail"];
export type RunAction = Run["may"][number];
export type Checkpoint = Schemas["CheckpointView"];
export type RunEdit = Schemas["RunEdit"];
export type Evaluations = Schemas["EvaluationsView"];
export type EvaluationCurve = Schemas["EvaluationCurve"];
export type Configuration = Schemas["ConfigurationView"];

const at = (run_id: number) => ({ params: { path: { run_id } } });

export const runQuery = (run_id: number) =>
  queryOptions({
    queryKey: ["runs", run_id],
    queryFn: () => unwrap(api.GET("/api/v1/runs/{run_id}", at(run_id))),
  });

export const seriesListQuery = (run_id: number) =>
  queryOptions({
    queryKey: ["runs", run_id, "metrics", "list"],
    queryFn: () => unwrap(api.GET("/api/v1/runs/{run_id}/metrics", at(run_id))),
  });

export const evaluationsQuery = (run_id: number) =>
  queryOptions({
    queryKey: ["runs", run_id, "evaluations"],
    queryFn: () => unwrap(api.GET("/api/v1/runs/{run_id}/evaluations", at(run_id))),
  });

export const configurationQuery = (run_id: number) =>
  queryOptions({
    queryKey: ["runs", run_id, "configuration"],
    queryFn: () => unwrap(api.GET("/api/v1/runs/{run_id}/configuration", at(run_id))),
  });

export const checkpointsQuery = (run_id: number) =>
  queryOptions({
    queryKey: ["runs", run_id, "checkpoints"],
    queryFn: () => unwrap(api.GET("/api/v1/checkpoints", { params: { query: { run_id, size: 500 } } })),
  });

export interface LogAsked {
  firstLine: number | undefined;
  numLines: number;
  search: string;
}

export const logsQuery = (run_id: number, { firstLine, numLines, search }: LogAsked) =>
  queryOptions({
    queryKey: ["runs", run_id, "logs", { firstLine, numLines, search }],
    queryFn: () =>
      unwrap(
        api.GET("/api/v1/runs/{run_id}/logs", {
          params: {
            path: { run_id },
            query: { first_line: firstLine, num_lines: numLines, search: search || undefined },
          },
        }),
      ),
    placeholderData: keepPreviousData,
  });

export const useRun = (runId: number) => useQuery(runQuery(runId));
export const useSeriesList = (runId: number) => useQuery(seriesListQuery(runId));
export const useEvaluations = (runId: number) => useQuery(evaluationsQuery(runId));
export const useConfiguration = (runId: number) => useQuery(configurationQuery(runId));
export const useCheckpoints = (runId: number) => useQuery(checkpointsQuery(runId));
export const useRecipes = () => useQuery(recipesQuery);

type PlainAction = Exclude<RunAction, "clone" | "evaluate" | "test" | "devices">;

/** The request of each action that needs nothing but the run. */
const REQUESTS = {
  launch: (run_id) => unwrap(api.POST("/api/v1/runs/{run_id}/launch", at(run_id))),
  stop: (run_id) => unwrap(api.POST("/api/v1/runs/{run_id}/stop", at(run_id))),
  resume: (run_id) => unwrap(api.POST("/api/v1/runs/{run_id}/resume", at(run_id))),
  retry: (run_id) => unwrap(api.POST("/api/v1/runs/{run_id}/retry", at(run_id))),
  archive: (run_id) => unwrap(api.POST("/api/v1/runs/{run_id}/archive", at(run_id))),
  restore: (run_id) => unwrap(api.POST("/api/v1/runs/{run_id}/restore", at(run_id))),
} satisfies Record<PlainAction, (run_id: number) => Promise<Schemas["RunView"]>>;

export function useRunAction(runId: number) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (action: PlainAction) => REQUESTS[action](runId),
    onSettled: () => client.invalidateQueries({ queryKey: ["runs"] }),
    onError: tellRefusal,
  });
}

export type Spread = Schemas["Spread"];

/** What so many devices would change; the server's refusal is at its field. */
export const spreadQuery = (run_id: number, query: Spread) =>
  queryOptions({
    queryKey: ["runs", run_id, "devices", query],
    queryFn: () => unwrap(api.GET("/api/v1/runs/{run_id}/devices", { params: { path: { run_id }, query } })),
    retry: false,
  });

export const useSpread = (runId: number, asked: Spread) => useQuery(spreadQuery(runId, asked));

/** Chooses the devices, then lets the run go on over them. */
export function useGoOnOver(runId: number, goOn: "resume" | "retry") {
  return useChanging(async (body: Spread) => {
    await unwrap(api.PUT("/api/v1/runs/{run_id}/devices", { ...at(runId), body }));
    return REQUESTS[goOn](runId);
  });
}

export type Which = Schemas["TestRequest"]["which"];

export function useTestRun(runId: number) {
  return useChanging((which: Which) => unwrap(api.POST("/api/v1/runs/{run_id}/test", { ...at(runId), body: { which } })));
}

export function useEditRun(runId: number) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: RunEdit) => unwrap(api.PATCH("/api/v1/runs/{run_id}", { ...at(runId), body })),
    onSuccess: (run) => {
      client.setQueryData(runQuery(runId).queryKey, run);
      return client.invalidateQueries({ queryKey: ["runs"] });
    },
    onError: tellRefusal,
  });
}

const ofCheckpoint = (checkpoint_id: number) => ({ params: { path: { checkpoint_id } } });

export function usePinCheckpoint() {
  return useChanging(({ id, pinned }: { id: number; pinned: boolean }) =>
    unwrap(api.PATCH("/api/v1/checkpoints/{checkpoint_id}", { ...ofCheckpoint(id), body: { pinned } })),
  );
}

export function useRemoveCheckpoint() {
  return useChanging((id: number) => unwrap(api.DELETE("/api/v1/checkpoints/{checkpoint_id}", ofCheckpoint(id))));
}

export function useEvaluateCheckpoint() {
  return useChanging(({ id, recipe }: { id: number; recipe: string }) =>
    unwrap(api.POST("/api/v1/checkpoints/{checkpoint_id}/evaluate", { ...ofCheckpoint(id), body: { recipe, overrides: {} } })),
  );
}

/** A mutation after which runs and checkpoints are asked for again. */
function useChanging<Asked, Answer>(mutationFn: (asked: Asked) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn,
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ["runs"] }),
        client.invalidateQueries({ queryKey: ["checkpoints"] }),
      ]),
    onError: tellRefusal,
  });
}
