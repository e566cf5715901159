/** What is drawn of a host's load: each measure as a share of what there is, now and over the last hour. */
import { formatBytes } from "@/ui/format";

import type { Host, HostLoad } from "./queries";

export interface Measure {
  label: string;
  /** From 0 to 1; null while nobody measured it. */
  share: number | null;
  said: string;
  /** The last hour, the newest last; null where nothing was measured. */
  hour: readonly (number | null)[];
  nearlyFull?: number;
}

type Column = readonly (number | null)[];

export function measuresOf(host: Host, load: HostLoad | undefined): Measure[] {
  const { disk_free_bytes: free, disk_total_bytes: total } = host;
  return [
    {
      label: "CPU",
      share: share(host.cpu_percent, 100),
      said: host.cpu_percent === null ? "not measured" : `${Math.round(host.cpu_percent)} % of ${host.cpu_count} cores`,
      hour: shares(load?.cpu_percent, 100),
      nearlyFull: 1.1,
    },
    {
      label: "Memory",
      share: share(host.memory_used_bytes, host.memory_bytes),
      said: usedOf(host.memory_used_bytes, host.memory_bytes),
      hour: shares(load?.memory_used_bytes, host.memory_bytes),
    },
    ...measuresOfGpus(host, load),
    {
      label: "Disk",
      share: share(free === null || total === null ? null : total - free, total),
      said: free === null || total === null ? "not measured" : `${formatBytes(free)} free of ${formatBytes(total)}`,
      hour: shares(load?.disk_free_bytes.map((left) => (left === null || total === null ? null : total - left)), total),
    },
  ];
}

/** None for a host without GPUs. */
function measuresOfGpus(host: Host, load: HostLoad | undefined): Measure[] {
  const gpus = host.devices.filter(({ kind }) => kind === "gpu");
  if (gpus.length === 0) return [];
  const memory = gpus.every(({ memory_bytes: bytes }) => bytes !== null) ? gpus.reduce((sum, { memory_bytes: bytes }) => sum + (bytes ?? 0), 0) : null;
  const percent = host.gpu_percent;
  return [
    {
      label: gpus.length === 1 ? "GPU" : `${gpus.length} GPUs`,
      share: share(percent, 100),
      said: percent === null ? "not measured" : `${Math.round(percent)} % busy`,
      hour: shares(load?.gpu_percent, 100),
      nearlyFull: 1.1,
    },
    {
      label: "GPU memory",
      share: share(host.gpu_memory_used_bytes, memory),
      said: usedOf(host.gpu_memory_used_bytes, memory),
      hour: shares(load?.gpu_memory_used_bytes, memory),
    },
  ];
}

function usedOf(used: number | null, total: number | null): string {
  if (total === null) return used === null ? "not measured" : formatBytes(used);
  return used === null ? `${formatBytes(total)}, use not measured` : `${formatBytes(used)} of ${formatBytes(total)}`;
}

function share(value: number | null, whole: number | null): number | null {
  return value === null || !whole ? null : Math.min(1, Math.max(0, value / whole));
}

function shares(values: Column | undefined, whole: number | null): Column {
  return (values ?? []).map((value) => share(value, whole));
}

/** What a curve says to somebody who cannot see it. */
export function hourInWords({ label, hour }: Measure): string {
  const known = hour.filter((value) => value !== null);
  if (known.length < 2) return `${label} of the last hour: not measured yet`;
  const [low, high] = [Math.min(...known), Math.max(...known)].map((value) => Math.round(value * 100));
  return low === high ? `${label} of the last hour: ${low} % throughout` : `${label} of the last hour: ${low} to ${high} %`;
}

/** Whether there is a line to draw of any of them. */
export function hasCurves(measures: readonly Measure[]): boolean {
  return measures.some(({ hour }) => hour.filter((value) => value !== null).length > 1);
}

/** SVG paths of shares from 0 to 1 on a fixed scale, evenly spaced: the line, and the area under it. */
export function pathsOf(values: Column, width: number, height: number): { line: string; area: string } {
  const pace = width / Math.max(1, values.length - 1);
  const pieces = piecesOf(values).map((piece) => piece.map(([place, value]) => `${(place * pace).toFixed(1)},${(height - 1 - value * (height - 2)).toFixed(1)}`));
  return {
    line: pieces.map((points) => (points.length === 1 ? `M${points[0]}h0.1` : `M${points.join("L")}`)).join(""),
    area: pieces.map((points) => `M${points[0]?.split(",")[0]},${height}L${points.join("L")}V${height}Z`).join(""),
  };
}

/** The runs of values between gaps, each with its places. */
function piecesOf(values: Column): [number, number][][] {
  const pieces: [number, number][][] = [];
  values.forEach((value, place) => {
    if (value === null) return;
    const follows = place > 0 && values[place - 1] !== null;
    if (follows) pieces.at(-1)?.push([place, value]);
    else pieces.push([[place, value]]);
  });
  return pieces;
}
