import { QueryClient } from "@tanstack/react-query";
import { afterEach, expect, test, vi } from "vitest";

import { previewQuery, waitBefore } from "./preview";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function answers(...replies: Response[]) {
  const fetching = vi.fn(() => Promise.resolve(replies.shift() ?? new Response(null, { status: 500 })));
  vi.stubGlobal("fetch", fetching);
  return fetching;
}

test("a preview that is being made is asked for again until it is there", async () => {
  vi.useFakeTimers();
  const fetching = answers(new Response("{}", { status: 202 }), new Response("{}", { status: 202 }), new Response("clip"));
  const asked = new QueryClient().fetchQuery(previewQuery("/api/v1/media/7/preview"));
  await vi.runAllTimersAsync();
  expect(await (await asked).text()).toBe("clip");
  expect(fetching).toHaveBeenCalledTimes(3);
});

test("a file that cannot be shown is asked for once, and says why", async () => {
  const fetching = answers(Response.json({ detail: "a.mp4 has no frames." }, { status: 404 }));
  const asked = new QueryClient().fetchQuery(previewQuery("/api/v1/media/8/preview"));
  await expect(asked).rejects.toThrow("a.mp4 has no frames.");
  expect(fetching).toHaveBeenCalledTimes(1);
});

test("waits grow, and never beyond five seconds", () => {
  expect(waitBefore(1)).toBeGreaterThan(waitBefore(0));
  expect(waitBefore(30)).toBe(5_000);
});
