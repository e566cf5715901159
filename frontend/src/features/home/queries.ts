/** What goes on at this moment, in five questions. */
import { queryOptions, useQuery } from "@tanstack/react-query";

import { api, type Schemas, unwrap } from "@/api/client";
import { hostsQuery, storageQuery } from "@/api/queries";

export type Run = Schemas["RunView"];
export type Host = Schemas["HostView"];

type Asked = Parameters<typeof listQuery>[1];

const listQuery = (name: string, query: { state?: Run["state"][]; kind?: Run["kind"][]; size: number; sort?: "id" | "created_at"; descending?: boolean }) =>
  queryOptions({
    queryKey: ["runs", "list", "home", name],
    queryFn: () => unwrap(api.GET("/api/v1/runs", { params: { query } })),
  });

export const ASKED = {
  running: { state: ["starting", "running", "stopping"], size: 12 },
  queue: { state: ["queued", "preempted"], size: 12, sort: "id", descending: false },
  failures: { state: ["failed"], size: 6 },
  results: { state: ["finished"], kind: ["linear", "finetune", "test", "knn", "retrieval", "svm", "transfer"], size: 8 },
  any: { size: 1 },
} satisfies Record<string, Asked>;

export const useList = (name: keyof typeof ASKED) => useQuery(listQuery(name, ASKED[name]));

export const useHosts = () => useQuery(hostsQuery);
export const useStorage = () => useQuery(storageQuery);

/** The metric that tells most of a run of each kind. */
export function keyMetricOf(run: Run): string | null {
  const names = ["train/loss", "val/top1"];
  return names.find((name) => name in run.summary) ?? null;
}

export const useCurve = (run: Run) => {
  const key = keyMetricOf(run);
  return useQuery(
    queryOptions({
      queryKey: ["runs", run.id, "metrics", "sparkline", key],
      queryFn: () => unwrap(api.GET("/api/v1/metrics", { params: { query: { run: [run.id], key: [key ?? ""], width: 60 } } })),
      enabled: key !== null,
    }),
  );
};
