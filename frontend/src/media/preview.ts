/** Previews are made by a worker when first asked for: until then the server answers 202, and we ask again. */
import { queryOptions, useQuery } from "@tanstack/react-query";

import { Refusal } from "@/api/client";

const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 5_000;
const MOST_TRIES = 40;

/** The server is still making the preview. */
export class StillBeingMade extends Error {}

export const previewQuery = (url: string) =>
  queryOptions({
    queryKey: ["preview", url],
    queryFn: ({ signal }) => readPreview(url, signal),
    staleTime: Infinity,
    gcTime: 5 * 60_000,
    retry: (tries, error) => error instanceof StillBeingMade && tries < MOST_TRIES,
    retryDelay: waitBefore,
    refetchOnWindowFocus: false,
  });

export function usePreview(url: string, isWanted: boolean) {
  return useQuery({ ...previewQuery(url), enabled: isWanted });
}

/** Milliseconds to wait before a try, from 0. */
export function waitBefore(tries: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 1.6 ** tries);
}

async function readPreview(url: string, signal: AbortSignal): Promise<Blob> {
  const response = await fetch(url, { signal, credentials: "same-origin" });
  if (response.status === 202) throw new StillBeingMade("The preview is being made.");
  if (!response.ok) throw new Refusal(response.status, await reasonOf(response));
  return response.blob();
}

async function reasonOf(response: Response): Promise<string> {
  const problem: unknown = await response.json().catch(() => null);
  const isProblem = typeof problem === "object" && problem !== null && "detail" in problem;
  return isProblem && typeof problem.detail === "string" ? problem.detail : "There is no preview of this file.";
}
