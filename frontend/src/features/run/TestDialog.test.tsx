import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

import { renderPart } from "@/test-render";

import type { Run } from "./queries";
import { TestDialog } from "./TestDialog";

const mutate = vi.fn();
vi.mock("./queries", () => ({ useTestRun: () => ({ mutate, isPending: false, error: null }) }));

test("it asks for the chosen classifiers and nothing else", async () => {
  await renderPart(<TestDialog run={{ id: 7, name: "Linear probe" } as Run} isOpen onClose={() => undefined} />);
  await userEvent.click(await screen.findByRole("radio", { name: /Both/ }));
  await userEvent.click(screen.getByRole("button", { name: "Test" }));
  expect(mutate).toHaveBeenCalledWith("both", expect.anything());
});
