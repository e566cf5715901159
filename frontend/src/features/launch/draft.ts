/** A launch as it is being written. */
import { isObject, type JsonObject } from "./form/schema";
import type { LaunchRequest, Recipe } from "./queries";

export interface Draft {
  definition: JsonObject;
  recipe: string | null;
  name: string;
  experiment: string;
  tags: string[];
  notes: string;
  /** As typed: "42, 43, 44". */
  seeds: string;
  checkpointId: number | null;
  clonedFromId: number | null;
  priority: number;
  /** The SLURM profile that it is submitted by; null is this lab's hosts. */
  slurm: string | null;
}

export function draftOfRecipe(recipe: Recipe, checkpointId: number | undefined): Draft {
  const definition = recipe.definition as JsonObject;
  return { ...EMPTY, definition, recipe: recipe.name, seeds: seedsOf(definition), checkpointId: checkpointId ?? null };
}

export function draftOfClone(asked: LaunchRequest): Draft {
  const definition = (isObject(asked.definition) ? asked.definition : {}) as JsonObject;
  return {
    ...EMPTY,
    definition,
    recipe: asked.recipe ?? null,
    experiment: asked.experiment,
    tags: asked.tags,
    notes: asked.notes,
    seeds: seedsOf(definition),
    checkpointId: asked.checkpoint_id ?? null,
    clonedFromId: asked.cloned_from_id ?? null,
    priority: asked.priority,
    slurm: asked.slurm ?? null,
  };
}

const EMPTY = { recipe: null, name: "", experiment: "default", tags: [], notes: "", checkpointId: null, clonedFromId: null, priority: 0, slurm: null };

function seedsOf({ seed }: JsonObject): string {
  return typeof seed === "number" ? String(seed) : "42";
}

/** The seeds of a text, or what is wrong with it. */
export function readSeeds(text: string): number[] | string {
  const words = text.split(/[\s,;]+/).filter(Boolean);
  const seeds = words.map(Number);
  if (words.length === 0) return "Give at least one seed.";
  if (seeds.some((seed) => !Number.isInteger(seed) || seed < 0)) return "Seeds are whole numbers from 0, with commas between them.";
  if (new Set(seeds).size < seeds.length) return "Each seed may be given once.";
  return seeds;
}

/** The draft with another text of seeds; a single one stands in the definition as well. */
export function withSeeds(draft: Draft, text: string): Draft {
  const seeds = readSeeds(text);
  const [only] = typeof seeds === "string" || seeds.length > 1 ? [] : seeds;
  const definition = only === undefined ? draft.definition : { ...draft.definition, seed: only };
  return { ...draft, seeds: text, definition };
}

/** The draft with another definition, as typed in YAML; a seed changed there is the one that runs. */
export function withDefinition(draft: Draft, definition: JsonObject): Draft {
  const isNewSeed = typeof definition.seed === "number" && definition.seed !== draft.definition.seed;
  return { ...draft, definition, seeds: isNewSeed ? String(definition.seed) : draft.seeds };
}

/** What is sent to the server. A faulty text of seeds is left to the form to tell. */
export function requestOf(draft: Draft, isDraft: boolean): LaunchRequest {
  const seeds = readSeeds(draft.seeds);
  const known = typeof seeds === "string" ? [] : seeds;
  const definition = known.length === 1 ? { ...draft.definition, seed: known[0] } : draft.definition;
  return {
    recipe: draft.recipe,
    definition,
    overrides: {},
    experiment: draft.experiment,
    name: draft.name.trim() || null,
    notes: draft.notes,
    tags: draft.tags,
    seeds: known.length > 1 ? known : [],
    checkpoint_id: draft.checkpointId,
    cloned_from_id: draft.clonedFromId,
    priority: draft.priority,
    slurm: draft.slurm,
    is_draft: isDraft,
  };
}
