/** The scores of an evaluation, by their names in papers. */

const RESULT = /^(top\d+|R@\d+)$/;

/** [name, value in 0..1] of the results in a summary, the usual order first. */
export function scoresIn(summary: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(summary)
    .filter(([key]) => RESULT.test(key))
    .sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
}
