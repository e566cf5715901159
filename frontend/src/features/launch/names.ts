/** Names of experiments to choose from. */
import { queryOptions } from "@tanstack/react-query";

import { api, unwrap } from "@/api/client";

export const experimentNamesQuery = queryOptions({
  queryKey: ["experiments", "names"],
  queryFn: () => unwrap(api.GET("/api/v1/experiments", { params: { query: { archived: false } } })),
});
