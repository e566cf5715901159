import { expect, test } from "vitest";

import { counted, formatBytes, formatCount, formatRelative, formatShare } from "./format";

test("bytes have three digits and a decimal unit", () => {
  expect(formatBytes(0)).toBe("0 B");
  expect(formatBytes(999)).toBe("999 B");
  expect(formatBytes(6_140_000)).toBe("6.14 MB");
  expect(formatBytes(85_000_000_000)).toBe("85.0 GB");
  expect(formatBytes(null)).toBe("–");
});

test("thousands are set apart, and words agree with their count", () => {
  expect(formatCount(65536)).toBe("65\u202f536");
  expect(counted(1, "run")).toBe("1 run");
  expect(counted(3, "run")).toBe("3 runs");
});

test("a share is never 100 % before all is done", () => {
  expect(formatShare(0.999)).toBe("99\u00a0%");
  expect(formatShare(1)).toBe("100\u00a0%");
  expect(formatShare(0.29)).toBe("29\u00a0%");
});

test("moments say roughly how long ago they were, or when they will be", () => {
  const now = Date.parse("2026-03-02T12:00:00Z");
  expect(formatRelative("2026-03-02T11:59:58Z", now)).toBe("just now");
  expect(formatRelative("2026-03-02T11:55:00Z", now)).toBe("5 min ago");
  expect(formatRelative("2026-03-01T10:00:00Z", now)).toBe("1 d ago");
  expect(formatRelative("2026-03-02T15:00:00Z", now)).toBe("in 3 h");
});
