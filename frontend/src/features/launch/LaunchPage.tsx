/** From a recipe, a run or a checkpoint to a launch. */
import { Button } from "@mantine/core";
import { IconArrowLeft } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";

import { experimentNamesQuery } from "@/api/queries";
import { useProfiles } from "@/features/slurm/queries";
import { ErrorBox } from "@/ui/ErrorBox";
import { counted } from "@/ui/format";
import { PageHeader } from "@/ui/PageHeader";
import { CardSkeletons } from "@/ui/Skeletons";
import { tellDone } from "@/ui/tell";
import { numberIn, type RawSearch, textIn, useUrlState } from "@/ui/useUrlState";

import { type Draft, draftOfClone, draftOfRecipe } from "./draft";
import { LaunchForm } from "./LaunchForm";
import { type LaunchRequest, useChoosableCheckpoints, useClone, useLaunch, useLabels, usePreview, useRecipes, useRoots, useSchema } from "./queries";
import { leadOf } from "./aims";
import { RecipeCards } from "./RecipeCards";

const readSearch = (raw: RawSearch) => ({ recipe: textIn(raw, "recipe"), clone: numberIn(raw, "clone"), checkpoint: numberIn(raw, "checkpoint") });

export default function LaunchPage() {
  const [{ recipe: name, clone: cloneId, checkpoint }] = useUrlState(readSearch);
  const recipes = useRecipes();
  const clone = useClone(cloneId);
  const error = recipes.error ?? clone.error;
  if (error) return <ErrorBox error={error} title="Nothing to launch from" onRetry={() => void recipes.refetch()} />;
  if (!recipes.data || (cloneId !== undefined && !clone.data)) return <CardSkeletons count={6} />;
  if (clone.data && cloneId !== undefined) {
    return <Writing key={`clone ${cloneId}`} title={`Clone of ${clone.data.name}`} lead="The same definition; whatever is changed is marked, and the new run links back." initial={draftOfClone(clone.data.asked)} baseWord="original" />;
  }
  const recipe = recipes.data.find((one) => one.name === name);
  if (recipe) {
    return <Writing key={recipe.name} title={recipe.title} lead={leadOf(recipe)} initial={draftOfRecipe(recipe, checkpoint)} baseWord="recipe" />;
  }
  return (
    <>
      <PageHeader title="Launch" lead={checkpoint === undefined ? "Begin from a recipe; everything in it can be changed." : "How should the checkpoint be measured?"} />
      {name !== undefined && <ErrorBox error={new Error(`There is no recipe called ${name}. Choose one of these.`)} title="No such recipe" />}
      <RecipeCards recipes={recipes.data} checkpoint={checkpoint} />
    </>
  );
}

interface WritingProps {
  title: string;
  lead?: string;
  initial: Draft;
  baseWord: string;
}

const usePreviewOf = (request: LaunchRequest) => usePreview(request);

function Writing({ title, lead, initial, baseWord }: WritingProps) {
  const navigate = useNavigate();
  const schema = useSchema();
  const roots = useRoots();
  const labels = useLabels();
  const checkpoints = useChoosableCheckpoints();
  const experiments = useQuery(experimentNamesQuery);
  const profiles = useProfiles();
  const launch = useLaunch();
  const go = (request: LaunchRequest) =>
    launch.mutate(request, {
      onSuccess: ({ id, runs }) => {
        tellDone(request.is_draft ? "Kept as a draft." : `${counted(runs.length, "run")} queued.`);
        void navigate({ to: `/runs/${id}` });
      },
    });
  const back = (
    <Button component={Link} to="/launch" search={{} as never} variant="default" size="xs" leftSection={<IconArrowLeft size={14} aria-hidden />}>
      Another recipe
    </Button>
  );
  return (
    <>
      <PageHeader title={title} lead={lead} crumbs={[{ label: "Launch", to: "/launch" }]} actions={back} />
      {schema.error && <ErrorBox error={schema.error} onRetry={() => void schema.refetch()} />}
      {schema.isPending && <CardSkeletons />}
      {schema.data && (
        <LaunchForm
          schema={schema.data}
          initial={initial}
          base={initial.definition}
          baseWord={baseWord}
          roots={roots.data ?? []}
          labels={labels}
          checkpoints={checkpoints.data?.items ?? []}
          experiments={(experiments.data ?? []).map(({ name }) => name)}
          profiles={(profiles.data ?? []).map(({ name }) => name)}
          usePreviewOf={usePreviewOf}
          isBusy={launch.isPending}
          refusal={launch.error}
          onLaunch={go}
        />
      )}
    </>
  );
}
