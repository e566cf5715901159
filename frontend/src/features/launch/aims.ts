/** Where a recipe is from, and the published numbers that it aims at. */
import type { Recipe } from "@/api/queries";

/** "ImageNet linear top-1 72.1 %"; of several the first, with how many more there are, unless all are asked for. */
export function aimsOf({ aims_at }: Pick<Recipe, "aims_at">, all = false): string {
  const said = aims_at.map(({ what, percent }) => `${what} ${percent} %`);
  if (all || said.length < 2) return said.join(", ");
  return `${said[0]}, and ${said.length - 1} more`;
}

/** What stands above the form of a recipe. */
export function leadOf(recipe: Pick<Recipe, "aims_at" | "source" | "summary">): string {
  const aims = recipe.aims_at.length > 0 ? ` It aims at ${aimsOf(recipe, true)}.` : "";
  return `${recipe.summary} Source: ${recipe.source}.${aims}`;
}
