/** Where things happened on a chart's x axis: attempts that began, checkpoints that were kept. */
import type { Mark, Moment } from "@/charts/annotations";
import { formatEpoch } from "@/charts/format";
import type { XAxis } from "@/charts/lines";
import { heightAt } from "@/charts/model";
import type { Line } from "@/charts/lines";

import type { Checkpoint, Run } from "../queries";

/** Seconds since 1970 of the run's start, from which its elapsed time is counted. */
export function originOf(run: Pick<Run, "started_at" | "created_at">): number {
  return Date.parse(run.started_at ?? run.created_at) / 1000;
}

export function attemptMoments(run: Run, axis: XAxis): Moment[] {
  return run.attempts
    .filter(({ number }) => number > 1)
    .sort((a, b) => a.number - b.number)
    .flatMap(({ number, start_step, started_at }) => {
      const label = `attempt ${number}`;
      if (axis === "time") return [{ x: Date.parse(started_at) / 1000 - originOf(run), label }];
      if (start_step === null) return [];
      if (axis === "step") return [{ x: start_step, label }];
      return run.steps && run.epochs ? [{ x: (start_step / run.steps) * run.epochs, label }] : [];
    });
}

/** Kept checkpoints as diamonds on a curve. */
export function checkpointMarks(checkpoints: readonly Checkpoint[], run: Run, axis: XAxis, line: Line | undefined): Mark[] {
  return checkpoints
    .filter(({ kind, removed_at }) => kind !== "last" && removed_at === null)
    .map((checkpoint) => {
      const x = placeOf(checkpoint, run, axis);
      return { id: checkpoint.id, x, y: line ? markHeight(line, x) : null, label: markWords(checkpoint) };
    });
}

/** The untrained weights are saved before the first point: their mark lies at that point's height. */
function markHeight(line: Line, x: number): number | null {
  const isBefore = x < (line.x[0] ?? -Infinity);
  return isBefore ? (line.value[0] ?? null) : heightAt(line, x);
}

function placeOf({ step, epoch, created_at }: Checkpoint, run: Run, axis: XAxis): number {
  if (axis === "step") return step;
  return axis === "epoch" ? epoch : Date.parse(created_at) / 1000 - originOf(run);
}

function markWords({ step, epoch }: Checkpoint): string {
  return `Checkpoint at epoch ${formatEpoch(epoch)}, step ${step}: show it`;
}
