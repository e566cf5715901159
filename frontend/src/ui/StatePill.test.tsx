import { screen } from "@testing-library/react";
import { expect, test } from "vitest";

import { renderPart } from "@/test-render";

import { KIND_LOOKS, KindBadge, type RunKind, type RunState, STATE_LOOKS, StatePill } from "./StatePill";

test.each(Object.keys(STATE_LOOKS) as RunState[])("%s is said by a word and drawn by an icon, not by colour alone", async (state) => {
  await renderPart(<StatePill state={state} />);
  const pill = screen.getByText(STATE_LOOKS[state].word);
  expect(pill.querySelector("svg")).not.toBeNull();
});

test("a failure names its kind beside the state", async () => {
  await renderPart(<StatePill state="failed" failure={{ kind: "out_of_memory", sentence: "Lower the batch." }} />);
  expect(screen.getByText("out of memory")).toBeInTheDocument();
});

test("only what moves is animated", () => {
  const moving = Object.entries(STATE_LOOKS).filter(([, look]) => "turns" in look);
  expect(moving.map(([state]) => state)).toEqual(["running"]);
});

test.each(Object.keys(KIND_LOOKS) as RunKind[])("%s has a name that people use", async (kind) => {
  await renderPart(<KindBadge kind={kind} />);
  expect(screen.getByText(KIND_LOOKS[kind].word)).toBeInTheDocument();
});
