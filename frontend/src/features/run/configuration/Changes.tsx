/** Two columns: what it was, what it is. */
import { Paper, Table, Text, Title } from "@mantine/core";

import type { Schemas } from "@/api/client";

import classes from "./ConfigurationTab.module.css";

interface ChangesProps {
  title: string;
  from: string;
  to: string;
  changes: readonly Schemas["Change"][];
}

export function Changes({ title, from, to, changes }: ChangesProps) {
  return (
    <Paper className="card" p="md" component="section" aria-label={title}>
      <Title order={2} size="h5" mb="xs">
        {title}
      </Title>
      {changes.length === 0 ? (
        <Text size="sm" c="dimmed">
          None: it asks for exactly the same.
        </Text>
      ) : (
        <Table.ScrollContainer minWidth={560} type="native">
          <Table layout="fixed">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Field</Table.Th>
                <Table.Th>{from}</Table.Th>
                <Table.Th>{to}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {changes.map(({ field, before, after }) => (
                <Table.Tr key={field}>
                  <Table.Td className={classes.field}>{field}</Table.Td>
                  <Table.Td className={classes.before}>{valueWords(before)}</Table.Td>
                  <Table.Td className={classes.after}>{valueWords(after)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Paper>
  );
}

function valueWords(value: unknown): string {
  if (value === null || value === undefined) return "not set";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
