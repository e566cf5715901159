import { fireEvent, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";

import { renderPart } from "@/test-render";

import { type Column, DataTable } from "./DataTable";

interface Animal {
  id: number;
  name: string;
}

const ROWS: Animal[] = [1, 2, 3].map((id) => ({ id, name: `animal ${id}` }));
const COLUMNS: readonly Column<Animal>[] = [
  { id: "name", header: "Name", isMain: true, sortKey: "name", cell: ({ id, name }) => <a href={`/animals/${id}`}>{name}</a> },
  { id: "number", header: "Number", cell: ({ id }) => id },
];
const table = { label: "Animals", columns: COLUMNS, rows: ROWS, idOf: ({ id }: Animal) => id, nameOf: ({ name }: Animal) => name };
const press = (key: string) => fireEvent.keyDown(document.activeElement ?? document.body, { key, code: `Key${key.toUpperCase()}` });

test("j and k go from row to row, and stay at the ends", async () => {
  await renderPart(<DataTable {...table} />);
  for (const key of ["j", "j", "j", "j", "k"]) press(key);
  expect(screen.getByRole("link", { name: "animal 2" })).toHaveFocus();
});

test("x selects the row that has the focus", async () => {
  const onChange = vi.fn();
  await renderPart(<DataTable {...table} selection={{ ids: new Set(), onChange }} />);
  press("x");
  expect(onChange).not.toHaveBeenCalled();
  press("j");
  press("x");
  expect(onChange).toHaveBeenCalledWith(new Set([1]));
});

test("selecting all adds this page to what other pages hold, and takes only this page away", async () => {
  const onChange = vi.fn();
  await renderPart(<DataTable {...table} selection={{ ids: new Set([77]), onChange }} />);
  fireEvent.click(screen.getByLabelText("Select all"));
  expect(onChange).toHaveBeenCalledWith(new Set([77, 1, 2, 3]));
});

test("a header sorts downwards first, then turns", async () => {
  const onSort = vi.fn();
  await renderPart(<DataTable {...table} sort={{ key: "name", descending: true }} onSort={onSort} />);
  expect(screen.getByRole("columnheader", { name: "Name" })).toHaveAttribute("aria-sort", "descending");
  fireEvent.click(screen.getByRole("button", { name: "Name" }));
  expect(onSort).toHaveBeenCalledWith({ key: "name", descending: false });
});

test("a hidden column is in neither head nor body", async () => {
  await renderPart(<DataTable {...table} hidden={["number"]} />);
  expect(screen.queryByText("Number")).toBeNull();
  expect(screen.getAllByRole("cell")).toHaveLength(3);
});
