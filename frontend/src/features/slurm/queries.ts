/** SLURM: the sites that workers know, and the profiles that runs are submitted by. */
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api, type Schemas, unwrap } from "@/api/client";
import { tellRefusal } from "@/ui/tell";

export type Profile = Schemas["ProfileView"];
export type Site = Schemas["SiteView"];
export type ProfileRequest = Schemas["ProfileRequest"];
export type ProfileFields = Schemas["Profile"];

export type Probe = Schemas["ProbeView"];

/** Asked again and again while a job looks at a node. */
export const profilesQuery = queryOptions({
  queryKey: ["slurm", "profiles"],
  queryFn: () => unwrap(api.GET("/api/v1/slurm/profiles")),
  refetchInterval: ({ state }) => (state.data?.some(({ probe }) => probe && !probe.ended_at) ? 1000 : false),
});

export const sitesQuery = queryOptions({ queryKey: ["slurm", "sites"], queryFn: () => unwrap(api.GET("/api/v1/slurm/sites")), refetchInterval: 15_000 });

export const useProfiles = () => useQuery(profilesQuery);
export const useSites = () => useQuery(sitesQuery);

export interface Saving {
  /** Number of the profile that is changed; null makes a new one. */
  id: number | null;
  asked: ProfileRequest;
}

export function useSaveProfile() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, asked }: Saving) =>
      id === null
        ? unwrap(api.POST("/api/v1/slurm/profiles", { body: asked }))
        : unwrap(api.PUT("/api/v1/slurm/profiles/{profile_id}", { params: { path: { profile_id: id } }, body: asked })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["slurm"] }),
  });
}

/** Lets a tiny job look whether a compute node has what runs need. */
export function useCheckProfile() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: number) => unwrap(api.POST("/api/v1/slurm/profiles/{profile_id}/check", { params: { path: { profile_id: id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["slurm"] }),
    onError: tellRefusal,
  });
}

export function useRemoveProfile() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: number) => unwrap(api.DELETE("/api/v1/slurm/profiles/{profile_id}", { params: { path: { profile_id: id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["slurm"] }),
    onError: tellRefusal,
  });
}
