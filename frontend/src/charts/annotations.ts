/** What is drawn over the curves: hatched stretches, named moments, and marks that can be clicked. */
import type uPlot from "uplot";

import { inkOf, type Scheme } from "./colours";

/** A moment that a dashed line stands for, as where an attempt began. */
export interface Moment {
  x: number;
  label: string;
}

/** A diamond on the curve; its label says what a click opens. */
export interface Mark {
  id: number;
  x: number;
  y: number | null;
  label: string;
}

/** Stretches that were gone over again, hatched below the curves. */
export function hatchPlugin(spans: () => readonly [number, number][], scheme: Scheme): uPlot.Plugin {
  return { hooks: { drawClear: (plot) => spans().forEach((span) => hatch(plot, span, inkOf(scheme).hatch)) } };
}

function hatch(plot: uPlot, [from, to]: [number, number], colour: string): void {
  const { ctx, bbox } = plot;
  const left = Math.max(bbox.left, plot.valToPos(from, "x", true));
  const right = Math.min(bbox.left + bbox.width, Math.max(plot.valToPos(to, "x", true), left + 2));
  if (right <= left) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, bbox.top, right - left, bbox.height);
  ctx.clip();
  ctx.globalAlpha = 0.35;
  ctx.strokeStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  for (let x = left - bbox.height; x < right; x += 8 * devicePixelRatio) {
    ctx.moveTo(x, bbox.top + bbox.height);
    ctx.lineTo(x + bbox.height, bbox.top);
  }
  ctx.stroke();
  ctx.restore();
}

/** Dashed lines with a name at their top; names that would meet stand below each other. */
export function momentPlugin(moments: () => readonly Moment[], scheme: Scheme): uPlot.Plugin {
  const draw = (plot: uPlot) => {
    const ends: number[] = [];
    for (const moment of together(moments())) drawMoment(plot, moment, inkOf(scheme), ends);
  };
  return { hooks: { draw } };
}

/** Moments at the same x as one with both names, from left to right. */
export function together(moments: readonly Moment[]): Moment[] {
  const byX = new Map<number, string[]>();
  for (const { x, label } of moments) byX.set(x, [...(byX.get(x) ?? []), label]);
  return [...byX].map(([x, labels]) => ({ x, label: labels.join(", ") })).sort((a, b) => a.x - b.x);
}

/** The first row whose last name ends before `from`; `ends` remembers where each row's does. */
export function rowFor(ends: number[], from: number, to: number): number {
  const free = ends.findIndex((end) => end < from);
  const row = free < 0 ? ends.length : free;
  ends[row] = to;
  return row;
}

function drawMoment(plot: uPlot, { x, label }: Moment, ink: ReturnType<typeof inkOf>, ends: number[]): void {
  const { ctx, bbox } = plot;
  const dot = devicePixelRatio;
  const left = Math.round(plot.valToPos(x, "x", true));
  if (left < bbox.left || left > bbox.left + bbox.width) return;
  ctx.save();
  ctx.strokeStyle = ink.text;
  ctx.lineWidth = dot;
  ctx.setLineDash([4 * dot, 3 * dot]);
  ctx.beginPath();
  ctx.moveTo(left, bbox.top);
  ctx.lineTo(left, bbox.top + bbox.height);
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.font = `${10 * dot}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  const width = ctx.measureText(label).width;
  const isLate = left + width > bbox.left + bbox.width;
  const start = isLate ? left - width - 4 * dot : left + 4 * dot;
  const baseline = bbox.top + (11 + 12 * rowFor(ends, start, start + width + 4 * dot)) * dot;
  ctx.strokeStyle = ink.surface; // a rim in the colour of the paper, so that it reads over a curve
  ctx.lineWidth = 3 * dot;
  ctx.strokeText(label, start, baseline);
  ctx.fillStyle = ink.text;
  ctx.fillText(label, start, baseline);
  ctx.restore();
}

/** Diamonds as real buttons, so that they have a name, a tooltip and a click. */
export function markPlugin(marks: () => readonly Mark[], className: string, onMark: (id: number) => void): uPlot.Plugin {
  let layer: HTMLDivElement | null = null;
  return {
    hooks: {
      init: (plot) => {
        layer = document.createElement("div");
        plot.over.append(layer);
        onStillClick(plot.over, (at) => {
          const mark = nearestMark(marks(), (one) => placeIn(plot, one), at);
          if (mark) onMark(mark.id);
        });
      },
      draw: (plot) => {
        const shown = spacedOut(marks(), (x) => plot.valToPos(x, "x"));
        layer?.replaceChildren(...shown.flatMap((mark) => buttonOf(plot, mark, className, onMark)));
      },
    },
  };
}

/** Marks closer than this cover each other, and the curve. */
const LEAST_APART_PX = 16;

/** Marks with room between them: the first, the last, and of those between as many as fit; zooming in shows the others. */
export function spacedOut(marks: readonly Mark[], place: (x: number) => number): Mark[] {
  const sorted = [...marks].sort((a, b) => a.x - b.x);
  const last = sorted.pop();
  if (!last) return [];
  const shown: Mark[] = [];
  for (const mark of sorted) {
    const before = shown.at(-1);
    const isFree = !before || place(mark.x) - place(before.x) >= LEAST_APART_PX;
    if (isFree && place(last.x) - place(mark.x) >= LEAST_APART_PX) shown.push(mark);
  }
  return [...shown, last];
}

/** The mark that a click means: also one that stands in the crowd and has no diamond. */
export function nearestMark(marks: readonly Mark[], place: (mark: Mark) => Place, at: Place): Mark | undefined {
  const apart = (mark: Mark) => Math.hypot(place(mark)[0] - at[0], place(mark)[1] - at[1]);
  return marks.filter((mark) => apart(mark) <= LEAST_APART_PX / 2).sort((a, b) => apart(a) - apart(b))[0];
}

type Place = readonly [x: number, y: number];

function placeIn(plot: uPlot, { x, y }: Mark): Place {
  const height = plot.over.clientHeight;
  const top = y === null ? height - 8 : plot.valToPos(y, "y");
  return [plot.valToPos(x, "x"), Math.min(height, Math.max(0, top))];
}

/** A click that did not drag: a drag chooses a range. */
function onStillClick(over: HTMLElement, act: (at: Place) => void): void {
  let from = 0;
  const at = ({ clientX, clientY }: MouseEvent): Place => {
    const { left, top } = over.getBoundingClientRect();
    return [clientX - left, clientY - top];
  };
  over.addEventListener("mousedown", (event) => (from = event.clientX));
  over.addEventListener("click", (event) => {
    if (event.target instanceof HTMLButtonElement || Math.abs(event.clientX - from) > 3) return;
    act(at(event));
  });
}

function buttonOf(plot: uPlot, mark: Mark, className: string, onMark: (id: number) => void): HTMLButtonElement[] {
  const [left, top] = placeIn(plot, mark);
  if (left < -1 || left > plot.over.clientWidth + 1) return [];
  const button = document.createElement("button");
  button.type = "button";
  button.tabIndex = -1; // the same checkpoints stand in a table that the keyboard reaches
  button.className = className;
  button.title = mark.label;
  button.setAttribute("aria-label", mark.label);
  button.style.transform = `translate(${left}px, ${top}px) translate(-50%, -50%) rotate(45deg)`;
  button.addEventListener("mousedown", (event) => event.stopPropagation());
  button.addEventListener("click", () => onMark(mark.id));
  return [button];
}
