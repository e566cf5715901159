/** What the palette looks through. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";

import { api, unwrap } from "@/api/client";

export const foundRunsQuery = (q: string) =>
  queryOptions({
    queryKey: ["runs", "list", "palette", q],
    queryFn: () => unwrap(api.GET("/api/v1/runs", { params: { query: { q: q || undefined, size: 8 } } })),
    placeholderData: keepPreviousData,
  });
