import { expect, test } from "vitest";

import { retryWords } from "./retryWords";

test("says when, which of how many, and what can be done instead", () => {
  const at = new Date(2026, 10, 25, 14, 2, 7);
  const words = retryWords({ at: at.toISOString(), number: 2, limit: 3 });
  expect(words).toContain(at.toLocaleTimeString(undefined, { timeStyle: "medium" }));
  expect(words).toContain("(2 of 3)");
  expect(words).toContain("Stop calls that off");
});
