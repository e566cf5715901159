/** One clock for many videos: they start together, loop together, and are pulled back when they drift. */

/** What the clock needs of a video element. */
export interface Player {
  currentTime: number;
  playbackRate: number;
  readonly duration: number;
  readonly paused: boolean;
  readonly readyState: number;
  readonly seeking: boolean;
  play: () => Promise<void>;
  pause: () => void;
}

/** Drift in seconds that nobody sees, and that a change of pace cannot make up for. */
const UNSEEN_S = 0.04;
const TOO_FAR_S = 0.25;
const CATCH_UP = 0.12;
const HAVE_CURRENT_DATA = 2;

/** Where a video of `duration` stands at `time`: a loop lasts as long as the longest video. */
export function positionAt(time: number, duration: number, period: number): number {
  if (!(duration > 0)) return 0;
  const inLoop = period > 0 ? time % period : time;
  return inLoop % duration;
}

/** How far `current` is ahead of `target`, the short way round the loop. */
export function driftOf(current: number, target: number, duration: number): number {
  const ahead = current - target;
  if (ahead > duration / 2) return ahead - duration;
  return ahead < -duration / 2 ? ahead + duration : ahead;
}

export class MasterClock {
  private readonly players = new Map<Player, boolean>();
  private readonly listeners = new Set<() => void>();
  private time = 0;
  private tickedAt: number | null = null;
  private isRunning = true;
  private pace = 1;

  /** Follow a video; those that are not on screen are paused. The result ends it. */
  add(player: Player): () => void {
    this.players.set(player, false);
    return () => this.players.delete(player);
  }

  show(player: Player, isVisible: boolean): void {
    if (this.players.has(player)) this.players.set(player, isVisible);
    this.apply(player, isVisible);
  }

  get isPlaying(): boolean {
    return this.isRunning;
  }

  get speed(): number {
    return this.pace;
  }

  setPlaying(isPlaying: boolean): void {
    this.isRunning = isPlaying;
    this.tell();
  }

  setSpeed(speed: number): void {
    this.pace = speed;
    this.tell();
  }

  /** Everything from its beginning. */
  restart(): void {
    this.time = 0;
    this.tell();
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Let time pass up to `now` (seconds), and pull every visible video to where it should be. */
  tick(now: number): void {
    const passed = this.tickedAt === null ? 0 : Math.max(0, now - this.tickedAt);
    this.tickedAt = now;
    if (this.isRunning) this.time += passed * this.pace;
    for (const [player, isVisible] of this.players) this.apply(player, isVisible);
  }

  /** Seconds of one loop: the longest visible video, so that all begin again together. */
  get period(): number {
    const durations = [...this.players].filter(([, isVisible]) => isVisible).map(([player]) => player.duration);
    return Math.max(0, ...durations.filter((duration) => Number.isFinite(duration)));
  }

  private apply(player: Player, isVisible: boolean): void {
    if (!isVisible || !this.isRunning) {
      if (!player.paused) player.pause();
      if (isVisible && !this.isRunning) this.align(player, UNSEEN_S);
      return;
    }
    if (player.readyState < HAVE_CURRENT_DATA || player.seeking) return;
    this.align(player, TOO_FAR_S);
    // A browser may refuse to play while its tab is in the background; the next tick asks again.
    if (player.paused) player.play().catch(() => undefined);
  }

  /** Jump when it is further off than `tolerance`, else run a little faster or slower until it fits. */
  private align(player: Player, tolerance: number): void {
    const target = positionAt(this.time, player.duration, this.period);
    const drift = driftOf(player.currentTime, target, player.duration);
    if (Math.abs(drift) > tolerance) player.currentTime = target;
    const isOff = Math.abs(drift) > UNSEEN_S && Math.abs(drift) <= TOO_FAR_S;
    const correction = isOff ? 1 - Math.sign(drift) * CATCH_UP : 1;
    const pace = this.pace * correction;
    if (player.playbackRate !== pace) player.playbackRate = pace;
  }

  private tell(): void {
    for (const [player, isVisible] of this.players) this.apply(player, isVisible);
    for (const listener of this.listeners) listener();
  }
}
