/** The views of one item: a worker makes them when first asked, until then we ask again. */
import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";

import { api, type Schemas, unwrap } from "@/api/client";

export type Inspection = Schemas["LookView"];
export type LookRequest = Schemas["LookRequest"];
export type Seen = Schemas["SeenView"];
export type Operation = Schemas["OperationView"];

const AGAIN_MS = 1_000;

export const inspectionQuery = (request: LookRequest | null) =>
  queryOptions({
    queryKey: ["inspection", request],
    queryFn: () => unwrap(api.POST("/api/v1/inspections", { body: request ?? neverAsked() })),
    enabled: request !== null,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.state === "waiting" ? AGAIN_MS : false),
    retry: false,
    gcTime: 60_000,
  });

function neverAsked(): never {
  throw new Error("Views were asked of nothing.");
}

export const useInspection = (request: LookRequest | null) => useQuery(inspectionQuery(request));
