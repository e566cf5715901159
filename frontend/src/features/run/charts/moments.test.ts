import { expect, test } from "vitest";

import type { Checkpoint, Run } from "../queries";
import { attemptMoments, checkpointMarks } from "./moments";

const RUN = {
  started_at: "2026-03-01T10:00:00Z",
  created_at: "2026-03-01T09:00:00Z",
  steps: 100,
  epochs: 10,
  attempts: [
    { number: 2, start_step: 40, started_at: "2026-03-01T11:00:00Z" },
    { number: 1, start_step: 0, started_at: "2026-03-01T10:00:00Z" },
  ],
} as unknown as Run;

const checkpoint = (step: number, more: Partial<Checkpoint> = {}) =>
  ({ id: step, step, epoch: step / 10, kind: "periodic", removed_at: null, created_at: "2026-03-01T10:30:00Z", ...more }) as Checkpoint;

const LINE = { x: [1, 11, 21], value: [7, 5, 3], low: [7, 5, 3], high: [7, 5, 3] };

test("an attempt after the first is marked where it went on, on each axis", () => {
  expect(attemptMoments(RUN, "step")).toEqual([{ x: 40, label: "attempt 2" }]);
  expect(attemptMoments(RUN, "epoch")).toEqual([{ x: 4, label: "attempt 2" }]);
  expect(attemptMoments(RUN, "time")).toEqual([{ x: 3600, label: "attempt 2" }]);
});

test("the untrained weights, saved before the first point, lie at its height", () => {
  const [mark] = checkpointMarks([checkpoint(0, { kind: "initial" })], RUN, "step", LINE);
  expect(mark).toMatchObject({ x: 0, y: 7 });
});

test("a checkpoint between two points lies on the line; one that outran the curve waits at the bottom", () => {
  const marks = checkpointMarks([checkpoint(16), checkpoint(30)], RUN, "step", LINE);
  expect(marks.map(({ y }) => y)).toEqual([4, null]);
});

test("what is no longer kept, or will be replaced, is not marked", () => {
  const gone = checkpoint(10, { removed_at: "2026-03-02T10:00:00Z" });
  expect(checkpointMarks([gone, checkpoint(20, { kind: "last" })], RUN, "step", LINE)).toEqual([]);
});

test("on the axis of time a checkpoint stands at the moment it was saved", () => {
  expect(checkpointMarks([checkpoint(10)], RUN, "time", LINE)[0]?.x).toBe(1800);
});
