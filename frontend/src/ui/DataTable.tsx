/** A dense table: sticky header, sorting and columns kept by the caller, rows selected with shift, long ones virtual. */
import { Checkbox, UnstyledButton } from "@mantine/core";
import { IconChevronDown, IconChevronUp } from "@tabler/icons-react";
import { columnVisibilityFeature, tableFeatures, useTable } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, type ReactNode, useMemo, useRef } from "react";

import classes from "./DataTable.module.css";
import { useRowKeys } from "./useRowKeys";
import { type Selection, useShiftSelect } from "./useShiftSelect";

export interface Column<Row> {
  id: string;
  header: string;
  cell: (row: Row) => ReactNode;
  align?: "left" | "right";
  width?: number;
  /** Takes the room that the others leave, and stays when the table scrolls sideways. */
  isMain?: boolean;
  /** What the server sorts by; without it the header is plain. */
  sortKey?: string;
}

export interface Sort {
  key: string;
  descending: boolean;
}

interface DataTableProps<Row> {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  idOf: (row: Row) => number;
  nameOf: (row: Row) => string;
  hidden?: readonly string[];
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  selection?: Selection;
  maxHeight?: string;
}

const features = tableFeatures({ columnVisibilityFeature });
const ROW_PX = 38;
/** Shorter tables are drawn whole. */
const VIRTUAL_FROM = 80;

export function DataTable<Row extends object>(props: DataTableProps<Row>) {
  const { columns, rows, idOf, nameOf, hidden = [], selection, label } = props;
  const body = useRef<HTMLDivElement>(null);
  const shown = useColumns(columns, rows, hidden);
  const select = useShiftSelect(useMemo(() => rows.map(idOf), [rows, idOf]), selection);
  const span = useRowSpan(rows.length, body);
  useRowKeys(body);
  const width = shown.reduce((sum, column) => sum + (column.width ?? 110), selection ? 38 : 0);
  return (
    // A scrolling region must be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div ref={body} className={classes.scroll} style={{ maxHeight: props.maxHeight }} tabIndex={0} role="region" aria-label={label}>
      <table className={classes.table} style={{ minWidth: width }}>
        <thead>
          <tr>
            {selection && (
              <th className={classes.check}>
                <Checkbox size="xs" aria-label="Select all" checked={select.isAll} indeterminate={select.isSome} onChange={select.toggleAll} />
              </th>
            )}
            {shown.map((column) => (
              <Header key={column.id} column={column} sort={props.sort} onSort={props.onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {span.before > 0 && <tr aria-hidden style={{ height: span.before }} />}
          {rows.slice(span.first, span.last).map((row, place) => {
            const id = idOf(row);
            return (
              <MemoRow
                key={id}
                row={row}
                index={span.first + place}
                columns={shown}
                measure={span.measure}
                onToggle={selection && select.toggle}
                isChosen={selection?.ids.has(id) ?? false}
                id={id}
                name={nameOf(row)}
              />
            );
          })}
          {span.after > 0 && <tr aria-hidden style={{ height: span.after }} />}
        </tbody>
      </table>
    </div>
  );
}

interface TableRowProps<Row> {
  row: Row;
  id: number;
  name: string;
  index: number;
  columns: readonly Column<Row>[];
  isChosen: boolean;
  onToggle: ((id: number, isStretch: boolean) => void) | undefined;
  measure: ((element: Element | null) => void) | undefined;
}

function TableRow<Row>({ row, id, name, index, columns, isChosen, onToggle, measure }: TableRowProps<Row>) {
  return (
    <tr ref={measure} data-index={index} data-selected={isChosen || undefined}>
      {onToggle && (
        <td className={classes.check}>
          <Checkbox size="xs" aria-label={`Select ${name}`} checked={isChosen} onClick={(event) => onToggle(id, event.shiftKey)} readOnly />
        </td>
      )}
      {columns.map((column) => (
        <td key={column.id} data-align={column.align} data-main={column.isMain}>
          {column.cell(row)}
        </td>
      ))}
    </tr>
  );
}

/** Scrolling draws the rows that come, not those that stay. */
const MemoRow = memo(TableRow) as typeof TableRow;

/** The columns that are shown, in the table model's order. */
function useColumns<Row extends object>(columns: readonly Column<Row>[], rows: readonly Row[], hidden: readonly string[]) {
  const defs = useMemo(() => columns.map(({ id, header }) => ({ id, header })), [columns]);
  const columnVisibility = useMemo(() => Object.fromEntries(hidden.map((id) => [id, false])), [hidden]);
  const table = useTable({ features, columns: defs, data: rows, state: { columnVisibility } });
  const visible = table.getVisibleLeafColumns().map((column) => column.id).join(" ");
  return useMemo(() => columns.filter((column) => visible.split(" ").includes(column.id)), [columns, visible]);
}

function useRowSpan(count: number, body: React.RefObject<HTMLDivElement | null>) {
  // eslint-disable-next-line react-hooks/incompatible-library -- its functions are called here and handed to no one
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => body.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
    enabled: count > VIRTUAL_FROM,
  });
  const items = virtual.getVirtualItems();
  const [first, last] = [items[0], items[items.length - 1]];
  if (!first || !last) return { first: 0, last: Math.min(count, VIRTUAL_FROM), before: 0, after: 0 };
  const after = virtual.getTotalSize() - last.end;
  return { first: first.index, last: last.index + 1, before: first.start, after, measure: virtual.measureElement };
}

interface HeaderProps<Row> {
  column: Column<Row>;
  sort: Sort | undefined;
  onSort: ((sort: Sort) => void) | undefined;
}

function Header<Row>({ column, sort, onSort }: HeaderProps<Row>) {
  const { sortKey } = column;
  if (!sortKey || !onSort) {
    return (
      <th data-align={column.align} data-main={column.isMain} style={styleOf(column)}>
        {column.header}
      </th>
    );
  }
  const isSorted = sort?.key === sortKey;
  const direction = sort?.descending ? "descending" : "ascending";
  const Chevron = sort?.descending ? IconChevronDown : IconChevronUp;
  return (
    <th data-align={column.align} data-main={column.isMain} style={styleOf(column)} aria-sort={isSorted ? direction : "none"}>
      <UnstyledButton
        className={classes.sort}
        onClick={() => onSort({ key: sortKey, descending: isSorted ? !sort.descending : true })}
      >
        {column.header}
        {isSorted && <Chevron size={13} aria-hidden />}
      </UnstyledButton>
    </th>
  );
}

function styleOf<Row>({ width, isMain }: Column<Row>) {
  return isMain ? { minWidth: width } : { width };
}
