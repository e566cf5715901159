import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { changeIn, follow, Refresher, shows } from "./live";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("points of a run touch its curves, its numbers and the tables, and no other run's curves", () => {
  const told = [{ topic: "metrics", subject_id: 7 }] as const;
  expect(shows(["runs", 7, "metrics", "curves"], told)).toBe(true);
  expect(shows(["runs", 7], told)).toBe(true);
  expect(shows(["runs", "list", {}], told)).toBe(true);
  expect(shows(["runs", 8, "metrics", "curves"], told)).toBe(false);
  expect(shows(["datasets"], told)).toBe(false);
});

test("a run's state touches the pages that show it, but asks for no curve again", () => {
  const told = [{ topic: "run", subject_id: 7 }] as const;
  expect(shows(["runs", 7], told)).toBe(true);
  expect(shows(["runs", 3, "evaluations"], told)).toBe(true);
  expect(shows(["experiments", { archived: false }], told)).toBe(true);
  expect(shows(["runs", 7, "metrics", "curves"], told)).toBe(false);
});

test("a limit touches the page that sets it and those that say why a run waits", () => {
  const told = [{ topic: "limit", subject_id: 3 }] as const;
  for (const key of [["limits"], ["queue"], ["runs", 7], ["runs", "list", {}]]) expect(shows(key, told)).toBe(true);
  expect(shows(["runs", 7, "metrics", "curves"], told)).toBe(false);
  expect(shows(["datasets"], told)).toBe(false);
  expect(shows(["limits"], [{ topic: "run", subject_id: 7 }])).toBe(true);
});

test("changes that come together ask once, and those during an answer ask once more after it", async () => {
  let answer: () => void = () => undefined;
  const invalidateQueries = vi.fn(() => new Promise<void>((resolve) => void (answer = resolve)));
  const refresher = new Refresher({ invalidateQueries });
  for (let step = 0; step < 50; step += 1) refresher.add({ topic: "metrics", subject_id: 7 });
  await vi.advanceTimersByTimeAsync(300);
  expect(invalidateQueries).toHaveBeenCalledTimes(1);
  refresher.add({ topic: "metrics", subject_id: 7 });
  await vi.advanceTimersByTimeAsync(2000);
  expect(invalidateQueries).toHaveBeenCalledTimes(1);
  answer();
  await vi.advanceTimersByTimeAsync(300);
  expect(invalidateQueries).toHaveBeenCalledTimes(2);
});

test("a topic of a newer server is passed over", () => {
  expect(changeIn('{"topic": "weather", "subject_id": 1}')).toBeNull();
  expect(changeIn('{"topic": "run", "subject_id": 4}')).toEqual({ topic: "run", subject_id: 4 });
});

class Stream extends EventTarget {
  static readonly CLOSED = 2;
  static opened: Stream[] = [];
  readyState = 1;
  constructor(readonly url: string) {
    super();
    Stream.opened.push(this);
  }
  close() {
    this.readyState = Stream.CLOSED;
  }
}

test("a change on the stream makes the query that shows it stale; a refused stream is opened again after the cursor", async () => {
  Stream.opened = [];
  vi.stubGlobal("EventSource", Stream);
  const client = new QueryClient();
  client.setQueryData(["runs", 7], {});
  client.setQueryData(["runs", 7, "configuration"], {});
  const stop = follow(client);
  const [stream] = Stream.opened;
  stream?.dispatchEvent(new MessageEvent("message", { data: '{"topic": "run", "subject_id": 7}', lastEventId: "41" }));
  await vi.advanceTimersByTimeAsync(300);
  expect(client.getQueryState(["runs", 7])?.isInvalidated).toBe(true);
  expect(client.getQueryState(["runs", 7, "configuration"])?.isInvalidated).toBe(false);
  stream?.close();
  stream?.dispatchEvent(new Event("error"));
  await vi.advanceTimersByTimeAsync(3000);
  expect(Stream.opened[1]?.url).toBe("/api/v1/stream?after=41");
  stop();
  vi.unstubAllGlobals();
});

test("what failed while the server was away is asked again when the stream is back, and only that", async () => {
  Stream.opened = [];
  vi.stubGlobal("EventSource", Stream);
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  client.setQueryData(["runs", 7], {});
  const queryFn = vi.fn().mockRejectedValueOnce(new Error("away")).mockResolvedValue(["a host"]);
  const leave = new QueryObserver(client, { queryKey: ["hosts"], queryFn }).subscribe(() => undefined);
  const stop = follow(client);
  const [stream] = Stream.opened;
  stream?.dispatchEvent(new Event("open"));
  stream?.dispatchEvent(new MessageEvent("message", { data: '{"topic": "dataset", "subject_id": 1}', lastEventId: "9" }));
  await vi.advanceTimersByTimeAsync(300);
  expect(client.getQueryState(["hosts"])?.status).toBe("error");
  stream?.dispatchEvent(new Event("error"));
  stream?.dispatchEvent(new Event("open"));
  await vi.advanceTimersByTimeAsync(300);
  expect(client.getQueryData(["hosts"])).toEqual(["a host"]);
  expect(client.getQueryState(["runs", 7])?.isInvalidated).toBe(false);
  leave();
  stop();
  vi.unstubAllGlobals();
});
