/** A cell's number as a paper prints it. */
import type { Measured } from "./queries";

/** As in "67.6 ± 0.3"; null where there is no number. */
export function meanWords({ mean, std }: Measured): string | null {
  if (mean === null) return null;
  return std === null ? mean.toFixed(1) : `${mean.toFixed(1)} ± ${std.toFixed(1)}`;
}

/** What the number is made of: seeds, splits, and what failed. */
export function countWords({ n, splits, left_out, failed, asked }: Measured): string {
  const parts = [`n = ${n}`];
  if (splits !== null && splits > 1) parts.push(`${splits} splits`);
  if (left_out > 0) parts.push(`${left_out} without all splits`);
  if (failed > 0) parts.push(`${failed} of ${asked} failed`);
  return parts.join(", ");
}

/** As in "+1.2"; a minus sign, not a hyphen. */
export function differenceWords(difference: number): string {
  const rounded = difference.toFixed(1);
  if (Number(rounded) === 0) return "±0.0";
  return difference > 0 ? `+${rounded}` : rounded.replace("-", "−");
}

/** A published number as it was printed: one decimal, or two where it has two. */
export function printed(value: number | undefined): string {
  if (value === undefined) return "–";
  return Math.abs(value - Number(value.toFixed(1))) < 1e-9 ? value.toFixed(1) : value.toFixed(2);
}
