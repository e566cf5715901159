/** Those that wait, in their order: dragged by a row, or moved by its menu. */
import { ActionIcon, Menu, Table, VisuallyHidden } from "@mantine/core";
import { IconArrowBarToDown, IconArrowBarToUp, IconArrowDown, IconArrowUp, IconDots, IconFlag } from "@tabler/icons-react";
import { useState } from "react";

import { RunLink } from "@/ui/RunLink";
import { When } from "@/ui/When";

import { moveBy, moveOfDrop } from "./moves";
import type { Move, Waiting } from "./queries";
import classes from "./Queue.module.css";

interface WaitingTableProps {
  rows: readonly Waiting[];
  onMove: (id: number, move: Move) => void;
  onPriority: (row: Waiting) => void;
}

const HEADS = ["#", "Run", "Experiment", "Who", "Priority", "Waiting since", "Needs", "Why it waits"];

export function WaitingTable({ rows, onMove, onPriority }: WaitingTableProps) {
  const [drag, setDrag] = useState<{ id: number; over: number | null } | null>(null);
  const move = drag && drag.over !== null ? moveOfDrop(rows, drag.id, drag.over) : null;
  const drop = () => {
    if (drag && move) onMove(drag.id, move);
    setDrag(null);
  };
  return (
    <Table.ScrollContainer minWidth={980} type="native" tabIndex={0} role="region" aria-label="Waiting runs">
      <Table fz="sm" verticalSpacing={6} className={classes.table}>
        <Table.Thead>
          <Table.Tr>
            {HEADS.map((head) => (
              <Table.Th key={head}>{head}</Table.Th>
            ))}
            <Table.Th pos="relative">
              <VisuallyHidden>Move</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody onDragLeave={() => setDrag((old) => old && { ...old, over: null })}>
          {rows.map((row) => (
            <Table.Tr
              key={row.run.id}
              className={classes.row}
              draggable={row.place !== null}
              data-dragged={drag?.id === row.run.id || undefined}
              data-over={drag?.over === row.run.id && move ? move.to : undefined}
              onDragStart={() => setDrag({ id: row.run.id, over: null })}
              onDragOver={(event) => {
                event.preventDefault();
                if (drag && drag.over !== row.run.id) setDrag({ ...drag, over: row.run.id });
              }}
              onDrop={drop}
              onDragEnd={() => setDrag(null)}
            >
              <Cells row={row} />
              <Table.Td>{row.place !== null && <RowMenu rows={rows} row={row} onMove={onMove} onPriority={onPriority} />}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Cells({ row: { place, needs, run } }: { row: Waiting }) {
  return (
    <>
      <Table.Td fw={600}>{place ?? "–"}</Table.Td>
      <Table.Td className={`ellipsis ${classes.name}`}>
        <RunLink run={run} isStrong />
        <div className={classes.whyBelow}>{run.waits_for}</div>
      </Table.Td>
      <Table.Td>{run.experiment.name}</Table.Td>
      <Table.Td>{run.owner ?? "–"}</Table.Td>
      <Table.Td>{run.priority}</Table.Td>
      <Table.Td>
        <When at={run.state_since} />
      </Table.Td>
      <Table.Td>{needs}</Table.Td>
      <Table.Td className={classes.why}>{run.waits_for}</Table.Td>
    </>
  );
}

function RowMenu({ rows, row, onMove, onPriority }: WaitingTableProps & { row: Waiting }) {
  const { id, name } = row.run;
  const [up, down] = [moveBy(rows, id, -1), moveBy(rows, id, 1)];
  const ask = (move: Move | null) => move && onMove(id, move);
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon size="sm" variant="subtle" color="gray" aria-label={`Move ${name}`}>
          <IconDots size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconArrowBarToUp size={15} />} disabled={!up} onClick={() => onMove(id, { to: "top" })}>
          To the top
        </Menu.Item>
        <Menu.Item leftSection={<IconArrowUp size={15} />} disabled={!up} onClick={() => ask(up)}>
          One up
        </Menu.Item>
        <Menu.Item leftSection={<IconArrowDown size={15} />} disabled={!down} onClick={() => ask(down)}>
          One down
        </Menu.Item>
        <Menu.Item leftSection={<IconArrowBarToDown size={15} />} disabled={!down} onClick={() => onMove(id, { to: "bottom" })}>
          To the bottom
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<IconFlag size={15} />} onClick={() => onPriority(row)}>
          Priority…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
