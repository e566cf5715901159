/** What a preparation's form and row say, apart from how they look. */
import { formatElapsed } from "@/charts/format";

import type { KnownSet, Preparation, PreparationRequest } from "./queries";

export const HOW: { value: NonNullable<PreparationRequest["how"]>; label: string }[] = [
  { value: "link", label: "Left as it is" },
  { value: "encode", label: "Encoded smaller" },
  { value: "frames", label: "Cut into frames" },
];

const STAGES: Record<string, string> = {
  convert: "Files brought",
  write: "Pictures written",
  index: "Files opened",
};

export function mayConvert({ kind }: Pick<KnownSet, "kind">): boolean {
  return kind === "video";
}

/** The form for another set: its own name, and what the published recipes make of it. */
export function withSet(
  asked: PreparationRequest,
  catalogue: readonly KnownSet[],
  name: string | null,
): PreparationRequest {
  const known = catalogue.find((one) => one.name === name);
  if (!known) return { ...asked, set_name: "" };
  const isUntouched = !asked.name || catalogue.some((one) => one.name === asked.name);
  return {
    ...asked,
    set_name: known.name,
    name: isUntouched ? known.name : asked.name,
    how: mayConvert(known) ? asked.how : "link",
    short_side: known.short_side,
    fps: null,
  };
}

/** "Files brought: 3 of 12, 1 cannot be used, 2m 10s left". */
export function progressWords({ stage, done, total, num_bad, eta_s }: Preparation): string {
  if (!total) return "Checking what is there";
  const bad = num_bad ? `, ${num_bad} cannot be used` : "";
  const left = eta_s !== null && done < total ? `, ${formatElapsed(eta_s)} left` : "";
  return `${STAGES[stage] ?? stage}: ${done} of ${total}${bad}${left}`;
}
