import { expect, test } from "vitest";

import { HIDDEN_AT_FIRST, readRunsSearch } from "./search";

test("an empty address shows the newest runs of every kind", () => {
  expect(readRunsSearch({})).toMatchObject({ kinds: [], states: [], sort: "id", descending: true, page: 1, hide: HIDDEN_AT_FIRST });
});

test("words that are no state, kind or column are left out", () => {
  const search = readRunsSearch({ states: ["running", "flying"], kinds: "knn", sort: "; drop table", page: -3 });
  expect(search).toMatchObject({ states: ["running"], kinds: ["knn"], sort: "id", page: 1 });
});
