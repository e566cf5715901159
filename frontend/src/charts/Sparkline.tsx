/** A curve the size of a word. */
import type { Column } from "./smoothing";

interface SparklineProps {
  values: Column;
  label: string;
  width?: number;
  height?: number;
  colour?: string;
}

export function Sparkline({ values, label, width = 120, height = 28, colour = "var(--mantine-primary-color-filled)" }: SparklineProps) {
  return (
    <svg role="img" aria-label={label} width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
      <path d={pathOf(values, width, height)} fill="none" stroke={colour} strokeWidth={1.5} strokeLinejoin="round" />
    </svg>
  );
}

/** SVG path of the values, evenly spaced, gaps left open. */
export function pathOf(values: Column, width: number, height: number): string {
  const known = values.filter((value) => value !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const stretch = high > low ? (height - 4) / (high - low) : 0;
  const pace = width / Math.max(1, values.length - 1);
  let command = "M";
  return values
    .map((value, place) => {
      if (value === null) {
        command = "M";
        return "";
      }
      const y = stretch ? height - 2 - (value - low) * stretch : height / 2;
      const point = `${command}${(place * pace).toFixed(1)},${y.toFixed(1)}`;
      command = "L";
      return point;
    })
    .join("");
}
