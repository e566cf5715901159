import { act, renderHook } from "@testing-library/react";
import { expect, test } from "vitest";

import type { Run } from "./queries";
import { useChosen } from "./useChosen";

const run = (id: number, name = `run ${id}`) => ({ id, name, may: [] }) as unknown as Run;

test("runs chosen on one page stay chosen on the next", () => {
  const { result, rerender } = renderHook(({ rows }) => useChosen(rows), { initialProps: { rows: [run(1), run(2)] } });
  act(() => result.current.choose(new Set([1])));
  rerender({ rows: [run(3), run(4)] });
  act(() => result.current.choose(new Set([1, 4])));
  expect(result.current.chosen.map(({ id }) => id)).toEqual([1, 4]);
});

test("a chosen run that is shown is shown as it is now", () => {
  const { result, rerender } = renderHook(({ rows }) => useChosen(rows), { initialProps: { rows: [run(1, "before")] } });
  act(() => result.current.choose(new Set([1])));
  rerender({ rows: [run(1, "after")] });
  expect(result.current.chosen[0]?.name).toBe("after");
});

test("runs that were found on other pages are known by what was found", () => {
  const { result } = renderHook(() => useChosen([run(1)]));
  act(() => result.current.choose(new Set([1, 900]), [run(900)]));
  expect(result.current.ids).toEqual(new Set([1, 900]));
  act(() => result.current.choose(new Set()));
  expect(result.current.chosen).toEqual([]);
});
