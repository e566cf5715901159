/** Files that are left out of every run, each with its reason. */
import { Paper, Table, Text, Title } from "@mantine/core";

import type { Item } from "./queries";

export function Unreadable({ items, total }: { items: readonly Item[]; total: number }) {
  return (
    <Paper className="card" p="md" component="section" aria-label="Unreadable files">
      <Title order={2} size="h5">
        Unreadable files
      </Title>
      <Text size="xs" c="dimmed" mb="xs">
        They are in no run and nothing is put in their place.
        {total > items.length && ` The first ${items.length} of ${total}.`}
      </Text>
      <Table.ScrollContainer minWidth={520} type="native">
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>File</Table.Th>
              <Table.Th>Split</Table.Th>
              <Table.Th>Reason</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {items.map(({ id, path, split, unreadable }) => (
              <Table.Tr key={id}>
                <Table.Td ff="monospace" fz="xs">
                  {path}
                </Table.Td>
                <Table.Td>{split}</Table.Td>
                <Table.Td>{unreadable}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
}
