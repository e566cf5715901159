/** Who is at the keyboard, and how one gets in. */
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api, Refusal, type Schemas, unwrap } from "./client";

export const SESSION_KEY = ["session"] as const;

/** The session, or null for someone who has to log in. */
export const sessionQuery = queryOptions({
  queryKey: SESSION_KEY,
  queryFn: () => unwrap(api.GET("/api/v1/session")).catch(nobody),
  staleTime: Infinity,
});

function nobody(error: unknown): Schemas["SessionView"] | null {
  if (error instanceof Refusal && error.status === 401) return null;
  throw error;
}

export const useSession = () => useQuery(sessionQuery);

export type Key = { token: string } | { name: string; password: string };

export function useLogIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (key: Key) => unwrap(api.POST("/api/v1/session", { body: { name: "admin", ...key } })),
    onSuccess: (session) => client.setQueryData(sessionQuery.queryKey, session),
  });
}

export function useLogOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => unwrap(api.DELETE("/api/v1/session")),
    onSuccess: () => {
      client.clear();
      window.location.assign("/login");
    },
  });
}
