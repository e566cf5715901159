/** Which curves show a method's health, and how a verdict is coloured. */
import type { Section } from "../charts/sections";
import type { Run } from "../queries";

type Verdict = NonNullable<Run["health"]>["verdict"];

const SCHEDULES = ["train/lr", "train/momentum", "train/contrast", "train/target_temperature"];
const PACE = ["train/data_wait", "train/clips_per_s"];

export function signSections(keys: readonly string[]): Section[] {
  const sections = [
    { prefix: "signs", keys: keys.filter((key) => key.startsWith("health/")).sort() },
    { prefix: "pace", keys: PACE.filter((key) => keys.includes(key)) },
    { prefix: "scheduled values, as used", keys: SCHEDULES.filter((key) => keys.includes(key)) },
  ];
  return sections.filter((section) => section.keys.length > 0);
}

export function toneOf(verdict: Verdict): "well" | "unknown" | "ill" {
  if (verdict === "healthy") return "well";
  return verdict === "not measured" || verdict === "too early" ? "unknown" : "ill";
}
