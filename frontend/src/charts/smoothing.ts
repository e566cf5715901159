/** Exponential moving average, without the pull towards zero at its start (Adam's bias correction). */

export type Column = readonly (number | null)[];

/** `weight` in [0, 1): how much of the past is kept. Gaps stay gaps and do not move the average. */
export function smoothed(values: Column, weight: number): (number | null)[] {
  let average = 0;
  let kept = 1;
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return null;
    average = weight * average + (1 - weight) * value;
    kept *= weight;
    return average / (1 - kept);
  });
}
