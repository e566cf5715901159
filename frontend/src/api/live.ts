/** One stream of changes per tab. It says which rows changed; the queries that show them ask again. */
import type { Query, QueryClient } from "@tanstack/react-query";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";

import { SESSION_KEY } from "./session";

export const TOPICS = ["run", "metrics", "checkpoint", "dataset", "host", "limit"] as const;
export type Topic = (typeof TOPICS)[number];

export interface Change {
  topic: Topic;
  subject_id: number;
}

/** Changes that come close together are answered together. */
const GATHER_MS = 250;
/** A server that restarts is back within this time; only then are the pages called stale. */
const PATIENCE_MS = 3000;
const RECONNECT_MS = 2000;

export type Liveness = "connecting" | "live" | "stale";

let liveness: Liveness = "connecting";
const listeners = new Set<() => void>();

function say(now: Liveness): void {
  if (now === liveness) return;
  liveness = now;
  listeners.forEach((tell) => tell());
}

/** Whether what the pages show follows the server at this moment. */
export function useLiveness(): Liveness {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => liveness,
  );
}

/** Below ["runs", id], what only its own topic changes. */
const SLOW_PARTS: ReadonlySet<unknown> = new Set(["metrics", "logs", "configuration"]);

const CHANGED_BY: Record<Topic, (key: readonly unknown[], id: number) => boolean> = {
  run: ([root, , part]) =>
    (root === "runs" && !SLOW_PARTS.has(part)) || root === "experiments" || root === "checkpoints" || root === "hosts" || root === "queue" || root === "limits",
  metrics: ([root, run, part], id) => root === "runs" && ((run === id && part !== "configuration") || run === "list"),
  checkpoint: ([root, run, part], id) =>
    root === "checkpoints" || (root === "runs" && (run === "list" || (run === id && !SLOW_PARTS.has(part)))),
  dataset: ([root]) => root === "datasets",
  host: ([root]) => root === "hosts" || root === "storage" || root === "queue",
  // What a run waits for may be a limit.
  limit: ([root, , part]) => root === "limits" || root === "queue" || (root === "runs" && !SLOW_PARTS.has(part)),
};

/** Whether a query shows what changed. */
export function shows(queryKey: readonly unknown[], changes: readonly Change[]): boolean {
  return changes.some(({ topic, subject_id }) => CHANGED_BY[topic](queryKey, subject_id));
}

/** Gathers changes, and asks again for what they touch; never twice at once for the same. */
export class Refresher {
  private waiting: Change[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isAsking = false;

  constructor(private readonly client: Pick<QueryClient, "invalidateQueries">) {}

  add(change: Change): void {
    this.waiting.push(change);
    this.schedule();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waiting = [];
  }

  private schedule(): void {
    if (this.isAsking || this.timer !== undefined) return;
    this.timer = setTimeout(() => void this.ask(), GATHER_MS);
  }

  private async ask(): Promise<void> {
    this.timer = undefined;
    const changes = this.waiting;
    this.waiting = [];
    this.isAsking = true;
    // A question that is under way may have been answered before the change: it is asked again.
    await this.client.invalidateQueries({ predicate: ({ queryKey }: Query) => shows(queryKey, changes) });
    this.isAsking = false;
    if (this.waiting.length > 0) this.schedule();
  }
}

/** Follow the stream for as long as the caller is shown. Call it once per tab. */
export function useLiveChanges(): void {
  const client = useQueryClient();
  useEffect(() => follow(client), [client]);
}

/** Follows until the returned function is called. */
export function follow(client: QueryClient): () => void {
  const refresher = new Refresher(client);
  let source: EventSource | undefined;
  let cursor = "";
  let isFirst = true;
  let patience: ReturnType<typeof setTimeout> | undefined;
  let reconnect: ReturnType<typeof setTimeout> | undefined;

  const onOpen = () => {
    clearTimeout(patience);
    patience = undefined;
    say("live");
    // Without a cursor there is no telling what was missed; what failed meanwhile no change will tell of.
    if (!isFirst) void client.invalidateQueries(cursor ? { predicate: ({ state }) => state.status === "error" } : {});
    isFirst = false;
  };
  const onMessage = (event: MessageEvent<string>) => {
    cursor = event.lastEventId || cursor;
    const change = changeIn(event.data);
    if (change) refresher.add(change);
  };
  const onError = () => {
    patience ??= setTimeout(() => say("stale"), PATIENCE_MS);
    if (source?.readyState !== EventSource.CLOSED) return;
    // The browser gives up when it is refused: the login may be over, or the server starting.
    clearTimeout(reconnect);
    reconnect = setTimeout(() => {
      void client.invalidateQueries({ queryKey: SESSION_KEY });
      connect();
    }, RECONNECT_MS);
  };
  const connect = () => {
    source = new EventSource(`/api/v1/stream${cursor ? `?after=${cursor}` : ""}`);
    source.addEventListener("open", onOpen);
    source.addEventListener("message", onMessage);
    source.addEventListener("gap", () => void client.invalidateQueries());
    source.addEventListener("error", onError);
  };
  connect();
  return () => {
    clearTimeout(patience);
    clearTimeout(reconnect);
    refresher.stop();
    source?.close();
    say("connecting");
  };
}

/** The change that an event tells of; null for one of a newer server that we do not know. */
export function changeIn(data: string): Change | null {
  const told: unknown = JSON.parse(data);
  if (typeof told !== "object" || told === null || !("topic" in told) || !("subject_id" in told)) return null;
  const topic = TOPICS.find((one) => one === told.topic);
  return topic && typeof told.subject_id === "number" ? { topic, subject_id: told.subject_id } : null;
}
