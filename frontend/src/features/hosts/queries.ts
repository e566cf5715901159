/** Hosts and their devices. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api, type Schemas, unwrap } from "@/api/client";
import { hostsQuery } from "@/api/queries";
import { tellRefusal } from "@/ui/tell";

export type Host = Schemas["HostView"];

export type HostLoad = Schemas["HostLoadView"];

export const useHosts = () => useQuery(hostsQuery);

/** Not of the key that each sign of life asks again: a curve has a new point every half minute. */
export const useHostLoads = () =>
  useQuery({ queryKey: ["host-loads"], queryFn: () => unwrap(api.GET("/api/v1/hosts/loads")), refetchInterval: 15_000 });

export function useEnableHost() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, enabled }: { id: number; enabled: boolean }) =>
      unwrap(api.PATCH("/api/v1/hosts/{host_id}", { params: { path: { host_id: id } }, body: { enabled } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["hosts"] }),
    onError: tellRefusal,
  });
}
