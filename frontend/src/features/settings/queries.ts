/** Tokens, storage, health. */
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api, type Schemas, unwrap } from "@/api/client";
import { storageQuery } from "@/api/queries";
import { tellRefusal } from "@/ui/tell";

export type Token = Schemas["TokenView"];
export type NewToken = Schemas["NewTokenView"];
export type TokenRequest = Schemas["TokenRequest"];
export type LimitsOfAll = Schemas["LimitsView"];
export type Limit = Schemas["LimitView"];
export type LimitRequest = Schemas["LimitRequest"];
export type Storage = Schemas["StorageView"];

export const tokensQuery = queryOptions({ queryKey: ["tokens"], queryFn: () => unwrap(api.GET("/api/v1/tokens")) });
export const healthQuery = queryOptions({ queryKey: ["health"], queryFn: () => unwrap(api.GET("/api/v1/health")), refetchInterval: 15_000 });

export const useTokens = () => useQuery(tokensQuery);
export const useStorage = () => useQuery(storageQuery);
export const useHealth = () => useQuery(healthQuery);

export function useCreateToken() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: TokenRequest) => unwrap(api.POST("/api/v1/tokens", { body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["tokens"] }),
  });
}

export function useRevokeToken() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (token_id: number) => unwrap(api.DELETE("/api/v1/tokens/{token_id}", { params: { path: { token_id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["tokens"] }),
    onError: tellRefusal,
  });
}

export const limitsQuery = queryOptions({ queryKey: ["limits"], queryFn: () => unwrap(api.GET("/api/v1/limits")) });

export const useLimits = () => useQuery(limitsQuery);

export function useSetLimit() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: LimitRequest) => unwrap(api.PUT("/api/v1/limits", { body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["limits"] }),
  });
}

export function useLiftLimit() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (limit_id: number) => unwrap(api.DELETE("/api/v1/limits/{limit_id}", { params: { path: { limit_id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["limits"] }),
    onError: tellRefusal,
  });
}
