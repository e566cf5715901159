import { expect, test } from "vitest";

import { hasCurves, hourInWords, measuresOf, pathsOf } from "./loads";
import type { Host, HostLoad } from "./queries";

const GB = 1e9;
const HOST = {
  id: 1, name: "node1", state: "online", enabled: true, cpu_count: 16, cpu_percent: 50, memory_bytes: 64 * GB, memory_used_bytes: 16 * GB,
  gpu_percent: null, gpu_memory_used_bytes: null, disk_free_bytes: 25 * GB, disk_total_bytes: 100 * GB, versions: {}, labels: {},
  registered_at: "2026-05-04T09:30:00Z", seen_at: "2026-05-04T09:30:00Z", devices: [],
} satisfies Host;
const LOAD: HostLoad = {
  host_id: 1, began_at: "2026-05-04T08:30:00Z", every_s: 30, cpu_percent: [null, 25, 100], memory_used_bytes: [null, 16 * GB, 32 * GB],
  gpu_percent: [null, null, null], gpu_memory_used_bytes: [null, null, null], disk_free_bytes: [null, 30 * GB, 25 * GB],
};
const gpu = (number: number, memory: number | null) => ({ id: number, kind: "gpu" as const, number, name: "H100", memory_bytes: memory, run: null });

test("every measure is a share of what there is, now and over the hour", () => {
  const measures = measuresOf(HOST, LOAD);
  expect(measures.map(({ label, share, said }) => [label, share, said])).toEqual([
    ["CPU", 0.5, "50 % of 16 cores"],
    ["Memory", 0.25, "16.0 GB of 64.0 GB"],
    ["Disk", 0.75, "25.0 GB free of 100 GB"],
  ]);
  expect(measures.map(({ hour }) => hour)).toEqual([[null, 0.25, 1], [null, 0.25, 0.5], [null, 0.7, 0.75]]);
});

test("GPUs are told together, their memory as one", () => {
  const host = { ...HOST, devices: [gpu(0, 80 * GB), gpu(1, 80 * GB)], gpu_percent: 90.4, gpu_memory_used_bytes: 40 * GB };
  const measures = measuresOf(host, { ...LOAD, gpu_percent: [null, 80, 100], gpu_memory_used_bytes: [null, 0, 40 * GB] });
  expect(measures.slice(2, 4).map(({ label, share, said, hour }) => [label, share, said, hour])).toEqual([
    ["2 GPUs", 0.904, "90 % busy", [null, 0.8, 1]],
    ["GPU memory", 0.25, "40.0 GB of 160 GB", [null, 0, 0.25]],
  ]);
});

test("what nobody measured is said so, and drawn as nothing", () => {
  const host = { ...HOST, cpu_percent: null, disk_free_bytes: null, devices: [gpu(0, null)] };
  const measures = measuresOf(host, undefined);
  expect(measures.map(({ said }) => said)).toEqual(["not measured", "16.0 GB of 64.0 GB", "not measured", "not measured", "not measured"]);
  expect(measures.every(({ hour }) => hour.length === 0)).toBe(true);
  expect(hasCurves(measures)).toBe(false);
});

test("one point is no curve yet", () => {
  const once = { ...LOAD, cpu_percent: [null, null, 25], memory_used_bytes: [null, null, 1], disk_free_bytes: [null, null, 1] };
  expect(hasCurves(measuresOf(HOST, once))).toBe(false);
  expect(hasCurves(measuresOf(HOST, LOAD))).toBe(true);
});

test("a curve says its range in words", () => {
  const [cpu, memory] = measuresOf(HOST, { ...LOAD, memory_used_bytes: [16 * GB, 16 * GB, 16 * GB] });
  expect(cpu && hourInWords(cpu)).toBe("CPU of the last hour: 25 to 100 %");
  expect(memory && hourInWords(memory)).toBe("Memory of the last hour: 25 % throughout");
});

test("a gap stays open, and a lone point is a dot", () => {
  const { line, area } = pathsOf([0, 1, null, 0.5], 30, 10);
  expect(line).toBe("M0.0,9.0L10.0,1.0M30.0,5.0h0.1");
  expect(area.match(/Z/g)).toHaveLength(2);
  expect(pathsOf([null, null], 30, 10)).toEqual({ line: "", area: "" });
});
