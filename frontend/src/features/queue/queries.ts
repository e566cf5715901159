/** The queue, and how a run is moved in it. */
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api, type Schemas, unwrap } from "@/api/client";
import { tellRefusal } from "@/ui/tell";

export type Queue = Schemas["QueueView"];
export type Waiting = Schemas["WaitingRun"];
export type Holding = Schemas["HoldingRun"];
export type Move = Schemas["MoveRequest"];

export const queueQuery = queryOptions({ queryKey: ["queue"], queryFn: () => unwrap(api.GET("/api/v1/queue")) });

export const useQueue = () => useQuery(queueQuery);

export function useMove() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, ...body }: Move & { id: number }) => unwrap(api.POST("/api/v1/runs/{run_id}/move", { params: { path: { run_id: id } }, body })),
    onSettled: () => client.invalidateQueries({ queryKey: ["queue"] }),
    onError: tellRefusal,
  });
}

export function useSetPriority() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, priority }: { id: number; priority: number }) => unwrap(api.PATCH("/api/v1/runs/{run_id}", { params: { path: { run_id: id } }, body: { priority } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["queue"] }),
    onError: tellRefusal,
  });
}
