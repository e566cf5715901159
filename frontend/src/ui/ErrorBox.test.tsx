import { screen } from "@testing-library/react";
import { expect, test } from "vitest";

import { Refusal } from "@/api/client";
import { renderPart } from "@/test-render";

import { ErrorBox } from "./ErrorBox";

test("each wrong field is named with its sentence", async () => {
  await renderPart(<ErrorBox error={new Refusal(422, "Please correct two.", { seeds: "Each once.", name: "Too long." })} />);
  expect(screen.getAllByRole("listitem").map(({ textContent }) => textContent)).toEqual(["seeds: Each once.", "name: Too long."]);
});

test("what is wrong with the whole is told once, without a field", async () => {
  await renderPart(<ErrorBox error={new Refusal(422, "Give a number.", { "": "Give a number." })} />);
  expect(screen.getByText("Give a number.")).toBeVisible();
  expect(screen.queryByRole("listitem")).toBeNull();
});
