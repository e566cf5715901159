/** uPlot in React: one canvas that follows its model, its width and the colour scheme. */
import "uplot/dist/uPlot.min.css";

import { useElementSize } from "@mantine/hooks";
import { useEffect, useEffectEvent, useRef } from "react";
import uPlot from "uplot";

import { hatchPlugin, type Mark, markPlugin, type Moment, momentPlugin } from "./annotations";
import type { Scheme } from "./colours";
import classes from "./LinePlot.module.css";
import type { PlotModel } from "./model";
import { optionsOf } from "./options";

export interface LinePlotProps {
  model: PlotModel;
  label: string;
  scheme: Scheme;
  height?: number;
  isLog?: boolean;
  hasPoints?: boolean;
  formatX: (value: number | null) => string;
  formatY?: (value: number | null) => string;
  range?: readonly [number, number] | null;
  syncKey?: string;
  marks?: readonly Mark[];
  moments?: readonly Moment[];
  onZoom?: (range: [number, number]) => void;
  onReset?: () => void;
  onCursor?: (row: number | null) => void;
  onMark?: (id: number) => void;
}

export function LinePlot(props: LinePlotProps) {
  const { ref, width } = useElementSize<HTMLDivElement>();
  const { height = 200 } = props;
  return (
    <figure aria-label={props.label} className={classes.plot} style={{ height }}>
      <div ref={ref} style={{ height }}>
        {width > 0 && <Canvas {...props} width={Math.floor(width)} height={height} />}
      </div>
    </figure>
  );
}

/** The canvas is made anew only when what it consists of changes; new points are handed to it. */
function Canvas(props: LinePlotProps & { width: number; height: number }) {
  const { model, width, height, scheme, isLog = false, hasPoints = false, syncKey } = props;
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  const shape = JSON.stringify([model.strokes, model.bands, scheme, isLog, hasPoints, syncKey, props.formatX.name]);

  useEffect(() => {
    latest.current = props;
  });
  const make = useEffectEvent((target: HTMLDivElement) => new uPlot(optionsFor(latest), tableOf(model), target));

  useEffect(() => {
    if (!holder.current) return;
    const made = make(holder.current);
    plot.current = made;
    return () => {
      plot.current = null;
      made.destroy();
    };
  }, [shape]);
  useEffect(() => plot.current?.setSize({ width, height }), [width, height]);
  useEffect(() => {
    plot.current?.setData(tableOf(model));
  }, [model, props.range, props.marks, props.moments]);
  return <div ref={holder} />;
}

function optionsFor(latest: { current: LinePlotProps & { width: number; height: number } }): uPlot.Options {
  const now = () => latest.current;
  const { model, width, height, scheme, isLog = false, formatX, formatY, hasPoints, syncKey } = now();
  return optionsOf(
    model,
    { width, height, scheme, isLog, formatX, formatY, hasPoints, syncKey, range: () => now().range ?? null },
    {
      onZoom: (range) => now().onZoom?.(range),
      onReset: () => now().onReset?.(),
      onCursor: (row) => now().onCursor?.(row),
    },
    [
      hatchPlugin(() => now().model.spans, scheme),
      momentPlugin(() => now().moments ?? [], scheme),
      markPlugin(() => now().marks ?? [], classes.mark ?? "", (id) => now().onMark?.(id)),
    ],
  );
}

function tableOf(model: PlotModel): uPlot.AlignedData {
  return [model.x, ...model.columns];
}
