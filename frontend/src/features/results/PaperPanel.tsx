/** One published table, with our rows under it. */
import { Group, Paper, Stack, Table, Text, Title } from "@mantine/core";

import { counted } from "@/ui/format";
import { RunLink } from "@/ui/RunLink";

import { Cell } from "./Cell";
import { printed } from "./cells";
import type { PaperTable } from "./queries";
import classes from "./Results.module.css";
import { TakeAway } from "./TakeAway";

interface PaperPanelProps {
  table: PaperTable;
  experiment: number | undefined;
}

export function PaperPanel({ table, experiment }: PaperPanelProps) {
  return (
    <Paper className="card" p="md" component="section" aria-label={table.title}>
      <Stack gap="xs">
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <Stack gap={0}>
            <Title order={2} size="h5">
              {table.title}
            </Title>
            <Text size="xs" c="dimmed">
              {table.source}. Percent.{table.tolerance !== null && ` A reproduction may differ by ${table.tolerance} points.`}
            </Text>
          </Stack>
          <TakeAway path={`published/${table.name}`} of={table.title} experiment={experiment} />
        </Group>
        <Table.ScrollContainer minWidth={260 + 90 * table.columns.length} type="native" tabIndex={0} role="group" aria-label="Figures">
          <Table verticalSpacing={5} horizontalSpacing="sm" className={classes.figures}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Method</Table.Th>
                {table.columns.map(({ key, label, dataset }) => (
                  <Table.Th key={key} ta="right" title={dataset}>
                    {label}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {table.published.map((row) => (
                <PublishedLine key={`${row.method} ${row.label}`} row={row} table={table} />
              ))}
              {table.ours.map((row) => (
                <OurLine key={`${row.experiment} ${row.run_ids.join()}`} row={row} table={table} />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
        {table.ours.length === 0 && <Nothing table={table} />}
      </Stack>
    </Paper>
  );
}

function PublishedLine({ row, table }: { row: PaperTable["published"][number]; table: PaperTable }) {
  return (
    <Table.Tr>
      <Table.Td style={{ whiteSpace: "nowrap" }}>
        {row.method}{" "}
        {row.label && (
          <Text span c="dimmed" fz={12}>
            {row.label}
          </Text>
        )}
      </Table.Td>
      {table.columns.map(({ key }) => (
        <Table.Td key={key} ta="right">
          {printed(row.values[key])}
        </Table.Td>
      ))}
    </Table.Tr>
  );
}

function OurLine({ row, table }: { row: PaperTable["ours"][number]; table: PaperTable }) {
  const [first] = row.run_ids;
  return (
    <Table.Tr className={classes.ours}>
      <Table.Td>
        {first === undefined ? row.name : <RunLink run={{ id: first, name: row.name }} isStrong />}
        <Text fz={11} c="dimmed">
          ours, {row.experiment}, {counted(row.seeds, "seed")}
          {row.failed > 0 && `, ${row.failed} of ${row.seeds} trainings failed`}
        </Text>
      </Table.Td>
      {table.columns.map(({ key }) => (
        <Table.Td key={key} ta="right">
          <Cell cell={row.cells[key]} against={row.against} />
        </Table.Td>
      ))}
    </Table.Tr>
  );
}

function Nothing({ table }: { table: PaperTable }) {
  const names = [...new Set(table.columns.map(({ dataset }) => dataset))];
  const shown = names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");
  return (
    <Text size="xs" c="dimmed">
      Nothing of ours was measured on {shown} yet. A data set of that name is recognised by itself.
    </Text>
  );
}
