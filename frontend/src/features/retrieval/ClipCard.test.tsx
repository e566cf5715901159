import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, within } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";

import { ClockProvider } from "@/media/ClockContext";

import { NeighbourCard } from "./ClipCard";
import type { Neighbour } from "./queries";

beforeEach(() => {
  // Nothing scrolls in jsdom, so nothing comes on screen.
  vi.stubGlobal("IntersectionObserver", class { observe() {} disconnect() {} });
});

function show(neighbour: Partial<Neighbour>, isNew = false) {
  const clip = { item_id: 1, name: "a.mp4", class_name: "pan left", duration_s: 3, preview_url: "/preview/1" };
  const whole = { rank: 2, clip, similarity: 0.8765, is_correct: true, ...neighbour };
  render(
    <MantineProvider>
      <QueryClientProvider client={new QueryClient()}>
        <ClockProvider>
          <NeighbourCard neighbour={whole} isNew={isNew} />
        </ClockProvider>
      </QueryClientProvider>
    </MantineProvider>,
  );
}

test("a right neighbour says so in words, not by its colour alone", () => {
  show({ is_correct: true });
  const card = screen.getByRole("article", { name: "Rank 2: pan left, right, similarity 0.876" });
  expect(within(card).getByText("Right")).toBeVisible();
});

test("a wrong one says so too", () => {
  show({ is_correct: false });
  const card = screen.getByRole("article", { name: /wrong, similarity/ });
  expect(within(card).getByText("Wrong")).toBeVisible();
});

test("one that came with this checkpoint is marked as new", () => {
  show({}, true);
  expect(screen.getByText("New")).toBeVisible();
});

test("until its preview is there a clip says that it is being prepared", () => {
  show({});
  expect(screen.getByText("Preparing preview")).toBeVisible();
});
