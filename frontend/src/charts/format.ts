/** Numbers as charts write them: short, and exact enough to compare. */

/** Four significant digits; powers of ten where plain digits would be long. */
export function formatValue(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(digits - 2).replace("e+", "e");
  return size >= 10 ** digits ? String(Math.round(value)) : trimmed(value.toPrecision(digits));
}

function trimmed(text: string): string {
  return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
}

/** Ticks of the value axis with as many digits as tell them apart; a logarithmic axis hands null for those it leaves out. */
export function formatTicks(values: readonly (number | null)[]): string[] {
  for (let digits = 4; ; digits += 1) {
    const words = values.map((value) => (value === null ? "" : formatValue(Number(value.toPrecision(12)), digits)));
    const seen = words.filter((word) => word !== "");
    if (new Set(seen).size === seen.length || digits === 12) return words;
  }
}

/** A count with thousands shortened: 12k, 3.4M. */
export function formatStep(value: number | null): string {
  if (value === null) return "";
  const size = Math.abs(value);
  if (size >= 1e6) return `${trimmed((value / 1e6).toPrecision(3))}M`;
  if (size >= 1e4) return `${trimmed((value / 1e3).toPrecision(3))}k`;
  return trimmed(value.toPrecision(6));
}

/** Seconds since a run's start: 45s, 12m 05s, 3h 20m, 2d 4h. */
export function formatElapsed(seconds: number | null): string {
  if (seconds === null) return "";
  const whole = Math.round(seconds);
  const [days, hours, minutes] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  if (days) return `${days}d ${hours}h`;
  if (hours) return `${hours}h ${String(minutes).padStart(2, "0")}m`;
  if (minutes) return `${minutes}m ${String(whole % 60).padStart(2, "0")}s`;
  return `${whole}s`;
}

/** A score in [0, 1] as papers write it: 62.3 %. */
export function formatScore(score: number | null | undefined): string {
  return score == null || Number.isNaN(score) ? "–" : `${(score * 100).toFixed(1)} %`;
}

/** The difference of two scores in points, with its sign: +4.2. */
export function formatPoints(difference: number): string {
  const points = difference * 100;
  return `${points < 0 ? "−" : "+"}${Math.abs(points).toFixed(1)}`;
}

/** An epoch without the noise of its fraction: 3, 2.5, 0.04. */
export function formatEpoch(epoch: number): string {
  return trimmed(epoch.toFixed(2));
}
