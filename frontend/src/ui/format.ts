/** Counts, sizes and moments as tables write them. Values, scores and durations: `@/charts/format`. */

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** Bytes in decimal units with three significant digits: 12.4 MB. */
export function formatBytes(bytes: number | null | undefined): string {
  if (bytes == null || Number.isNaN(bytes)) return "–";
  const place = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  const size = bytes / 1000 ** place;
  const digits = place === 0 || size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return `${size.toFixed(digits)} ${UNITS[place] ?? "B"}`;
}

/** A whole number with thin groups of three: 65 536. */
export function formatCount(count: number | null | undefined): string {
  if (count == null) return "–";
  return String(count).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

/** "1 run", "3 runs". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

const STEPS: readonly (readonly [number, string])[] = [
  [60, "s"],
  [60, "min"],
  [24, "h"],
  [30, "d"],
  [12, "mo"],
];

/** How long ago, roughly: "just now", "5 min ago", "in 3 h". */
export function formatRelative(moment: string, now: number): string {
  const seconds = (now - Date.parse(moment)) / 1000;
  let size = Math.abs(seconds);
  if (size < 10) return "just now";
  for (const [limit, unit] of STEPS) {
    if (size < limit) return aside(`${Math.floor(size)} ${unit}`, seconds);
    size /= limit;
  }
  return aside(`${Math.floor(size)} y`, seconds);
}

function aside(words: string, seconds: number): string {
  return seconds >= 0 ? `${words} ago` : `in ${words}`;
}

/** The moment itself, to the second, in the reader's own time zone: 2026-03-02 14:05:09. */
export function formatAbsolute(moment: string): string {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return "–";
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** A share of [0, 1] in whole percent, never 100 before it is all. */
export function formatShare(share: number): string {
  return `${Math.floor(share * 100 + 1e-9)}\u00a0%`;
}
