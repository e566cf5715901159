/** What the page says of a failed run that the platform starts again by itself. */
import type { Schemas } from "@/api/client";

type Retry = NonNullable<Schemas["Failure"]["retry"]>;

export function retryWords({ at, number, limit }: Retry): string {
  const time = new Date(at).toLocaleTimeString(undefined, { timeStyle: "medium" });
  return `It is retried by itself at ${time} (${number} of ${limit}). Stop calls that off, Retry does it now.`;
}
