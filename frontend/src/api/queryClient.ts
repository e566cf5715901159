/** How answers are kept: fresh until the stream of changes says otherwise. */
import { QueryCache, QueryClient } from "@tanstack/react-query";

import { Refusal } from "./client";
import { SESSION_KEY } from "./session";

export function makeQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        const isLoggedOut = error instanceof Refusal && error.status === 401;
        if (isLoggedOut && query.queryKey[0] !== SESSION_KEY[0]) void client.invalidateQueries({ queryKey: SESSION_KEY });
      },
    }),
    defaultOptions: {
      queries: { staleTime: 30_000, retry: isWorthTrying, refetchOnWindowFocus: false },
    },
  });
  return client;
}

/** A server that is away may come back; one that refuses will refuse again. */
function isWorthTrying(count: number, error: Error): boolean {
  const status = error instanceof Refusal ? error.status : 0;
  return count < 2 && (status === 0 || status >= 500);
}
