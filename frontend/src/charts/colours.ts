/** Colours of lines: told apart by every kind of colour vision, and the same for a run on every page. */

export type Scheme = "light" | "dark";

// Paul Tol's bright and light schemes, each tone moved until it has 3:1 against its background.
const LINES: Record<Scheme, readonly string[]> = {
  light: ["#3b6fd4", "#c8553d", "#1f8a70", "#9b4dca", "#a87900", "#0e8fb0", "#c23b7c", "#5f6b7a"],
  dark: ["#7aa7ff", "#ff9472", "#4fd1a5", "#c79bff", "#e9c046", "#5fd0ee", "#ff8fc0", "#b4bfcc"],
};

const INK: Record<Scheme, { text: string; grid: string; hatch: string; surface: string }> = {
  light: { text: "#5c6470", grid: "#e6e8ec", hatch: "#9aa3af", surface: "#ffffff" },
  dark: { text: "#a9b1bd", grid: "#2e333b", hatch: "#6d7682", surface: "#1b1e24" },
};

/** Colour of a run: it depends on the run's number alone, so that nothing that comes or goes changes it. */
export function runColour(runId: number, scheme: Scheme): string {
  return colourAt(runId, scheme);
}

/** The colour at a place of the palette, for lines that are not runs. */
export function colourAt(place: number, scheme: Scheme): string {
  const palette = LINES[scheme];
  return palette[place % palette.length] ?? "#888888";
}

/** Colours of text, grid and hatching in a chart. */
export function inkOf(scheme: Scheme) {
  return INK[scheme];
}

/** `#rrggbb` with an opacity from 0 to 1. */
export function faint(colour: string, opacity: number): string {
  const alpha = Math.round(Math.min(1, Math.max(0, opacity)) * 255);
  return colour + alpha.toString(16).padStart(2, "0");
}
