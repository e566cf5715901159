/** Experiments: the folders that runs are gathered in. */
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api, type Schemas, unwrap } from "@/api/client";
import { tellRefusal } from "@/ui/tell";

export type Experiment = Schemas["ExperimentView"];

export const experimentsQuery = (archived: boolean) =>
  queryOptions({
    queryKey: ["experiments", { archived }],
    queryFn: () => unwrap(api.GET("/api/v1/experiments", { params: { query: { archived } } })),
  });

export const useExperiments = (archived: boolean) => useQuery(experimentsQuery(archived));

export function useCreateExperiment() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Schemas["ExperimentRequest"]) => unwrap(api.POST("/api/v1/experiments", { body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["experiments"] }),
  });
}

export function useEditExperiment() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, ...body }: Schemas["ExperimentEdit"] & { id: number }) =>
      unwrap(api.PATCH("/api/v1/experiments/{experiment_id}", { params: { path: { experiment_id: id } }, body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["experiments"] }),
    onError: tellRefusal,
  });
}
