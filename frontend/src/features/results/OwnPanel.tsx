/** Our own runs: a row for those that differ only by seed, untrained beside trained. */
import { Group, Paper, Stack, Table, Text, Title } from "@mantine/core";
import { IconTable } from "@tabler/icons-react";

import { EmptyState } from "@/ui/EmptyState";
import { counted } from "@/ui/format";
import { RunLink } from "@/ui/RunLink";

import { Cell } from "./Cell";
import type { OwnTable } from "./queries";
import classes from "./Results.module.css";
import { TakeAway } from "./TakeAway";

export function OwnPanel({ table, experiment }: { table: OwnTable; experiment: number | undefined }) {
  if (table.rows.length === 0) {
    return (
      <EmptyState icon={IconTable} title="Nothing measured yet">
        A row appears when a checkpoint of a training has been evaluated. Several seeds of one launch share a row.
      </EmptyState>
    );
  }
  return (
    <Paper className="card" p="md" component="section" aria-label="Our runs">
      <Stack gap="xs">
        <Group justify="space-between" wrap="nowrap">
          <Title order={2} size="h5">
            Our runs
          </Title>
          <TakeAway path="own" of="our runs" experiment={experiment} />
        </Group>
        <Table.ScrollContainer minWidth={340 + 190 * table.columns.length} type="native" tabIndex={0} role="group" aria-label="Figures">
          <Table verticalSpacing={5} horizontalSpacing="sm" className={classes.figures}>
            <Head table={table} />
            <Table.Tbody>
              {table.rows.map((row) => (
                <Line key={row.run_ids.join()} row={row} table={table} />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
        <Text size="xs" c="dimmed">
          Percent: mean ± standard deviation over seeds; UCF101 and HMDB51 are averaged over their splits first. The last checkpoint counts.
        </Text>
      </Stack>
    </Paper>
  );
}

function Head({ table }: { table: OwnTable }) {
  return (
    <Table.Thead>
      <Table.Tr>
        <Table.Th rowSpan={2} miw={180}>
          Method
        </Table.Th>
        <Table.Th rowSpan={2}>Trunk</Table.Th>
        <Table.Th rowSpan={2} ta="right">
          Epochs
        </Table.Th>
        {table.columns.map(({ key, label, dataset, protocol }) => (
          <Table.Th key={key} colSpan={2} ta="center" title={protocol}>
            {label}
            <Text fz={11} c="dimmed">
              {dataset}
            </Text>
          </Table.Th>
        ))}
      </Table.Tr>
      <Table.Tr>
        {table.columns.flatMap(({ key }) => [
          <Table.Th key={`${key} before`} ta="right">
            Untrained
          </Table.Th>,
          <Table.Th key={`${key} after`} ta="right">
            Trained
          </Table.Th>,
        ])}
      </Table.Tr>
    </Table.Thead>
  );
}

function Line({ row, table }: { row: OwnTable["rows"][number]; table: OwnTable }) {
  const [first] = row.run_ids;
  return (
    <Table.Tr>
      <Table.Td>
        {first === undefined ? row.name : <RunLink run={{ id: first, name: row.name }} isStrong />}
        <Text fz={11} c="dimmed">
          {row.method}, {row.experiment}, {counted(row.seeds, "seed")}
          {row.failed > 0 && `, ${row.failed} of ${row.seeds} failed`}
        </Text>
      </Table.Td>
      <Table.Td>{row.trunk}</Table.Td>
      <Table.Td ta="right">{row.epochs}</Table.Td>
      {table.columns.flatMap(({ key }) => [
        <Table.Td key={`${key} before`} ta="right">
          <Cell cell={row.cells[key]?.untrained} />
        </Table.Td>,
        <Table.Td key={`${key} after`} ta="right">
          <Cell cell={row.cells[key]?.trained} />
        </Table.Td>,
      ])}
    </Table.Tr>
  );
}
