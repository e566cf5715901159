/** What the data set pages ask the server, and what they ask it to do. */
import { keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import { api, type Schemas, unwrap } from "@/api/client";
import { tellRefusal } from "@/ui/tell";

export type Dataset = Schemas["DatasetView"];
export type DatasetDetail = Schemas["DatasetDetail"];
export type Item = Schemas["ItemView"];
export type DatasetRequest = Schemas["DatasetRequest"];

export const SAMPLES = 18;
const UNREADABLE = 200;

export const datasetsQuery = queryOptions({
  queryKey: ["datasets"],
  queryFn: () => unwrap(api.GET("/api/v1/datasets")),
});

export const datasetQuery = (dataset_id: number) =>
  queryOptions({
    queryKey: ["datasets", dataset_id],
    queryFn: () => unwrap(api.GET("/api/v1/datasets/{dataset_id}", { params: { path: { dataset_id } } })),
  });

export interface ItemFilter {
  split: string | undefined;
  label: number | undefined;
  page: number;
}

export const samplesQuery = (dataset_id: number, { split, label, page }: ItemFilter) =>
  queryOptions({
    queryKey: ["datasets", dataset_id, "items", { split, label, page }],
    queryFn: () => readItems(dataset_id, { split, label, page, unreadable: false, size: SAMPLES }),
    placeholderData: keepPreviousData,
  });

export const unreadableQuery = (dataset_id: number) =>
  queryOptions({
    queryKey: ["datasets", dataset_id, "unreadable"],
    queryFn: () => readItems(dataset_id, { unreadable: true, page: 1, size: UNREADABLE }),
  });

interface Asked extends Partial<ItemFilter> {
  unreadable: boolean;
  size: number;
}

function readItems(dataset_id: number, query: Asked) {
  return unwrap(api.GET("/api/v1/datasets/{dataset_id}/items", { params: { path: { dataset_id }, query } }));
}

export function useRegisterDataset() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: DatasetRequest) => unwrap(api.POST("/api/v1/datasets", { body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["datasets"] }),
  });
}

export function useIndexDataset(dataset_id: number) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/datasets/{dataset_id}/index", { params: { path: { dataset_id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["datasets"] }),
    onError: tellRefusal,
  });
}

export type KnownSet = Schemas["KnownSet"];
export type Preparation = Schemas["PreparationView"];
export type PreparationRequest = Schemas["PreparationRequest"];

export const catalogueQuery = queryOptions({
  queryKey: ["catalogue"],
  queryFn: () => unwrap(api.GET("/api/v1/catalogue")),
  staleTime: Infinity,
});

export function isPreparing({ state }: Pick<Preparation, "state">): boolean {
  return state === "waiting" || state === "running" || state === "stopping";
}

/** The feed tells of every step; asking now and then is only for a feed that is away. */
export const preparationsQuery = queryOptions({
  queryKey: ["datasets", "preparations"],
  queryFn: () => unwrap(api.GET("/api/v1/preparations")),
  refetchInterval: ({ state }) => (state.data?.some(isPreparing) ? 2_000 : false),
});

export function usePrepare() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: PreparationRequest) => unwrap(api.POST("/api/v1/preparations", { body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["datasets"] }),
  });
}

export function useSteerPreparation() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ preparation_id, verb }: { preparation_id: number; verb: "stop" | "resume" }) =>
      unwrap(api.POST(`/api/v1/preparations/{preparation_id}/${verb}`, { params: { path: { preparation_id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["datasets"] }),
    onError: tellRefusal,
  });
}
