import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

import { renderPart } from "@/test-render";

import type { Retrieval, Sibling } from "./queries";
import { ClassBars, RankTable } from "./Scores";

const RETRIEVAL = { run: { id: 5 }, protocol_words: "Retrieval, cosine", num_queries: 30, num_bank: 90, ranks: [{ k: 1, recall: 0.5 }, { k: 5, recall: 0.9 }] } as Retrieval;
const baseline = (run_id: number) => ({ run_id, step: 0, values: { "R@1": 0.2 } }) as unknown as Sibling;

test("recall stands with its protocol, beside the untrained trunk's where that was measured", async () => {
  await renderPart(<RankTable retrieval={RETRIEVAL} baseline={baseline(4)} />);
  expect(screen.getByText(/Retrieval, cosine\. 30 queries, 90 videos/)).toBeInTheDocument();
  expect(screen.getByRole("row", { name: "1 50.0 20.0 +30.0" })).toBeInTheDocument();
  expect(screen.getByRole("row", { name: "5 90.0 – –" })).toBeInTheDocument();
});

test("the untrained trunk is not held against itself, and nothing against what was never measured", async () => {
  await renderPart(<RankTable retrieval={RETRIEVAL} baseline={baseline(5)} />);
  expect(screen.getByText(/the untrained trunk's own scores/)).toBeInTheDocument();
  expect(screen.queryByText("Untrained")).toBeNull();
});

test("without untrained scores by class no mark is spoken of", async () => {
  await renderPart(<ClassBars scores={{ zoom: 0.5 }} untrained={undefined} chosen={undefined} onChoose={vi.fn()} />);
  expect(screen.queryByText(/The mark is/)).toBeNull();
});

test("a class is chosen by its bar, and let go by the same", async () => {
  const onChoose = vi.fn();
  await renderPart(<ClassBars scores={{ zoom: 0.5, pan: 0.7 }} untrained={{ zoom: 0.1 }} chosen="pan" onChoose={onChoose} />);
  await userEvent.click(screen.getByRole("button", { name: /^zoom: 50.0/ }));
  await userEvent.click(screen.getByRole("button", { name: /^pan/ }));
  expect(onChoose.mock.calls).toEqual([["zoom"], [undefined]]);
});
