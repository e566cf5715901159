/** Scores by their names in papers, wherever one is shown. */

const RESULT = /^(top\d+|R@\d+|mAP(?:@\w+)?|mean_per_class)$/;

/** Whether it is a result in 0..1, and no loss or count. */
export function isScore(key: string): boolean {
  return RESULT.test(key);
}

/** top1 is top-1, best_top1 is best top-1, R@5 stays. */
export function scoreName(key: string): string {
  return key.replaceAll("_", " ").replace(/\btop(\d+)\b/, "top-$1");
}

/** [name, value in 0..1] of the results in a summary, the usual order first. */
export function scoresIn(summary: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(summary)
    .filter(([key]) => isScore(key))
    .sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }))
    .map(([key, value]) => [scoreName(key), value]);
}
