import { act, renderHook } from "@testing-library/react";
import { expect, test, vi } from "vitest";

import { between, useShiftSelect } from "./useShiftSelect";

test("a stretch goes either way and holds both ends", () => {
  expect(between([9, 7, 5, 3], 7, 3)).toEqual([7, 5, 3]);
  expect(between([9, 7, 5, 3], 3, 7)).toEqual([7, 5, 3]);
});

test("a stretch whose first end has left the table is its last row alone", () => {
  expect(between([9, 7, 5], 100, 5)).toEqual([5]);
});

test("shift adds every row since the last one chosen", () => {
  const onChange = vi.fn();
  const { result, rerender } = renderHook(({ ids }) => useShiftSelect([4, 3, 2, 1], { ids, onChange }), { initialProps: { ids: new Set<number>() } });
  act(() => result.current.toggle(4, false));
  rerender({ ids: new Set([4]) });
  act(() => result.current.toggle(2, true));
  expect(onChange).toHaveBeenLastCalledWith(new Set([4, 3, 2]));
});
