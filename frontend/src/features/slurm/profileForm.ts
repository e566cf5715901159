/** A profile as it is typed: every field is text until it is sent. */
import type { Profile, ProfileFields, ProfileRequest } from "./queries";

export type Typed = Record<FieldName, string>;
export type FieldName =
  | "name" | "runs_folder" | "partition" | "account" | "qos" | "constraint" | "time_limit_min" | "warn_s" | "gres"
  | "cpus_per_device" | "memory" | "modules" | "container" | "python" | "setup" | "extra" | "login" | "max_jobs"
  | "arrays" | "array_limit";

export const NEW: Typed = {
  name: "", runs_folder: "", partition: "", account: "", qos: "", constraint: "", time_limit_min: "1440", warn_s: "180", gres: "gpu",
  cpus_per_device: "4", memory: "", modules: "", container: "", python: "", setup: "", extra: "", login: "", max_jobs: "50",
  arrays: "true", array_limit: "0",
};

export function typedOf({ name, profile }: Profile): Typed {
  const texts = Object.fromEntries(Object.entries(profile).map(([field, value]) => [field, Array.isArray(value) ? value.join("\n") : String(value)]));
  return { ...NEW, ...texts, name };
}

export function requestOf({ name, ...typed }: Typed): ProfileRequest {
  const profile: ProfileFields = {
    ...typed,
    time_limit_min: numberOf(typed.time_limit_min),
    warn_s: numberOf(typed.warn_s),
    cpus_per_device: numberOf(typed.cpus_per_device),
    max_jobs: numberOf(typed.max_jobs),
    arrays: typed.arrays === "true",
    // 0 means something here.
    array_limit: numberOf(typed.array_limit, -1),
    modules: linesOf(typed.modules),
    extra: linesOf(typed.extra),
  };
  return { name, profile };
}

/** What is no number is sent as one that the server refuses at its field. */
function numberOf(text: string, refused = 0): number {
  const value = Number(text);
  return text.trim() !== "" && Number.isInteger(value) ? value : refused;
}

function linesOf(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

/** The sentence at a field: the server names those of the profile with a dotted path, and items by their number. */
export function errorAt(errors: Readonly<Record<string, string>>, field: FieldName): string | undefined {
  const path = field === "name" ? "name" : `profile.${field}`;
  const key = Object.keys(errors).find((one) => one === path || one.startsWith(`${path}.`));
  return key === undefined ? undefined : errors[key];
}
