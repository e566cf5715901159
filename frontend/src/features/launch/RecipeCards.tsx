/** The recipes to begin from. */
import { SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";

import { KindBadge } from "@/ui/StatePill";

import { aimsOf } from "./aims";
import classes from "./Launch.module.css";
import type { Recipe } from "@/api/queries";

interface RecipeCardsProps {
  recipes: readonly Recipe[];
  /** Kept in the address of each: a checkpoint to evaluate. */
  checkpoint: number | undefined;
}

export function RecipeCards({ recipes, checkpoint }: RecipeCardsProps) {
  const groups = [
    ["Pretraining", recipes.filter(({ kind }) => kind === "pretrain" && checkpoint === undefined)],
    ["Evaluation of a checkpoint", recipes.filter(({ kind }) => kind !== "pretrain")],
  ] as const;
  return (
    <Stack gap="lg">
      {groups
        .filter(([, members]) => members.length > 0)
        .map(([title, members]) => (
          <section key={title}>
            <Title order={2} fz="md" mb="xs">
              {title}
            </Title>
            <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="sm">
              {members.map((recipe) => (
                <Link key={recipe.name} to="/launch" search={{ recipe: recipe.name, checkpoint } as never} className={`card ${classes.recipe}`}>
                  <div className={classes.recipeHead}>
                    <b>{recipe.title}</b>
                    <KindBadge kind={recipe.kind} />
                  </div>
                  <Text fz="sm" c="dimmed" lineClamp={3}>
                    {recipe.summary}
                  </Text>
                  {recipe.aims_at.length > 0 && (
                    <Text fz={11.5} mt="auto">
                      Aims at {aimsOf(recipe)}
                    </Text>
                  )}
                  <Text fz={11.5} c="dimmed" mt={recipe.aims_at.length > 0 ? 0 : "auto"}>
                    <span className="mono">{recipe.name}</span> · {recipe.source}
                  </Text>
                </Link>
              ))}
            </SimpleGrid>
          </section>
        ))}
    </Stack>
  );
}
