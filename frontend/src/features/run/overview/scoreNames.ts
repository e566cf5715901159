/** Scores as people call them: top1 is top-1, best_top1 is best top-1. */

export function scoreName(key: string): string {
  return key.replaceAll("_", " ").replace(/\btop(\d+)\b/, "top-$1");
}
