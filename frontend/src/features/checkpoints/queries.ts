/** All checkpoints, and what may be done with each. */
import { keepPreviousData, queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api, type Schemas, unwrap } from "@/api/client";
import { tellRefusal } from "@/ui/tell";

export type Checkpoint = Schemas["CheckpointView"];

export type Inspection = Schemas["InspectionView"];
export type ImportQuestion = Schemas["ImportQuestion"];
export type ImportRequest = Schemas["ImportRequest"];
export type Trunk = NonNullable<Inspection["trunk"]>;

export const PAGE_SIZE = 200;

export interface CheckpointsSearch {
  pinned: boolean;
  removed: boolean;
  page: number;
}

export const checkpointsQuery = ({ pinned, removed, page }: CheckpointsSearch) =>
  queryOptions({
    queryKey: ["checkpoints", "list", { pinned, removed, page }],
    queryFn: () => unwrap(api.GET("/api/v1/checkpoints", { params: { query: { pinned: pinned || undefined, removed, page, size: PAGE_SIZE } } })),
    placeholderData: keepPreviousData,
  });

export const useCheckpoints = (search: CheckpointsSearch) => useQuery(checkpointsQuery(search));

const at = (checkpoint_id: number) => ({ params: { path: { checkpoint_id } } });

export function usePin() {
  return useChanging(({ id, pinned }: { id: number; pinned: boolean }) => unwrap(api.PATCH("/api/v1/checkpoints/{checkpoint_id}", { ...at(id), body: { pinned } })));
}

export function useRemove() {
  return useChanging((id: number) => unwrap(api.DELETE("/api/v1/checkpoints/{checkpoint_id}", at(id))));
}

function useChanging<Asked, Answer>(mutationFn: (asked: Asked) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn,
    onSettled: () => client.invalidateQueries({ queryKey: ["checkpoints"] }),
    onError: tellRefusal,
  });
}

export const importableQuery = queryOptions({
  queryKey: ["checkpoints", "importable"],
  queryFn: () => unwrap(api.GET("/api/v1/imports")),
  staleTime: 0,
});

export function useInspect() {
  return useMutation({ mutationFn: (body: ImportQuestion) => unwrap(api.POST("/api/v1/imports/inspect", { body })) });
}

export function useImport() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: ImportRequest) => unwrap(api.POST("/api/v1/imports", { body })),
    onSuccess: () => Promise.all(["checkpoints", "runs", "experiments"].map((key) => client.invalidateQueries({ queryKey: [key] }))),
  });
}
