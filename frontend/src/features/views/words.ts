/** What was drawn for a view, as a person would say it. */
import type { Operation, Seen } from "./queries";

/** "3 frames: 12, 50, 88. From 0.40 s to 2.93 s". */
export function spanOf({ frames, times_s }: Pick<Seen, "frames" | "times_s">): string {
  if (frames.length <= 1) return "The one picture";
  return `${frames.length} frames: ${frames.join(", ")}. From ${seconds(times_s[0])} to ${seconds(times_s.at(-1))}`;
}

function seconds(time: number | undefined): string {
  return `${(time ?? 0).toFixed(2)} s`;
}

/** What an operation did, or how likely it would have been. */
export function saidOf({ is_applied, probability, words }: Operation): string {
  if (is_applied) return words;
  return probability === 0 ? "Never in this view" : `Not this time (${Math.round(probability * 100)} % of views)`;
}

/** A box as shares of its picture, for a style. */
export function placeOf({ box, source_width, source_height }: Pick<Seen, "box" | "source_width" | "source_height">) {
  const share = (part: number, whole: number) => `${(100 * part) / whole}%`;
  return {
    left: share(box.left, source_width),
    top: share(box.top, source_height),
    width: share(box.width, source_width),
    height: share(box.height, source_height),
  };
}
