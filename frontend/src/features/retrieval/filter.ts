/** Which queries are shown: it lives in the address and goes along from checkpoint to checkpoint. */
import { numberIn, type RawSearch, textIn } from "@/ui/useUrlState";

export interface QueryFilter {
  label: string | undefined;
  failures: boolean;
  k: number;
  page: number;
}

export const DEFAULT_K = 5;

export function readFilter(raw: RawSearch): QueryFilter {
  return {
    label: textIn(raw, "label"),
    failures: raw.failures === true,
    k: Math.min(50, Math.max(1, Math.round(numberIn(raw, "k") ?? DEFAULT_K))),
    page: Math.max(1, Math.round(numberIn(raw, "page") ?? 1)),
  };
}
