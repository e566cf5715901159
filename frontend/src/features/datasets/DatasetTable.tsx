import { Anchor, Paper, Table, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";

import { When } from "@/ui/When";

import { DatasetState } from "./DatasetState";
import type { Dataset } from "./queries";

export function DatasetTable({ datasets }: { datasets: readonly Dataset[] }) {
  return (
    <Paper className="card">
      <Table.ScrollContainer minWidth={820} type="native">
        <Table highlightOnHover verticalSpacing="sm" style={{ fontVariantNumeric: "tabular-nums" }}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Name</Table.Th>
              <Table.Th>State</Table.Th>
              <Table.Th>Kind</Table.Th>
              <Table.Th ta="right">Items</Table.Th>
              <Table.Th ta="right">Classes</Table.Th>
              <Table.Th ta="right">Unreadable</Table.Th>
              <Table.Th ta="right">Runs</Table.Th>
              <Table.Th>Indexed</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {datasets.map((dataset) => (
              <DatasetRow key={dataset.id} dataset={dataset} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
}

function DatasetRow({ dataset }: { dataset: Dataset }) {
  const params = { datasetId: String(dataset.id) };
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor size="sm" fw={600} renderRoot={(props) => <Link to="/datasets/$datasetId" params={params} {...props} />}>
          {dataset.name}
        </Anchor>
        <Text size="xs" c="dimmed" ff="monospace">
          {dataset.root}
        </Text>
      </Table.Td>
      <Table.Td>
        <DatasetState state={dataset.state} />
        {dataset.failure && (
          <Text size="xs" c="dimmed" lineClamp={2}>
            {dataset.failure}
          </Text>
        )}
      </Table.Td>
      <Table.Td>{dataset.kind}</Table.Td>
      <Table.Td ta="right">{dataset.num_items}</Table.Td>
      <Table.Td ta="right">{dataset.num_classes}</Table.Td>
      <Table.Td ta="right">{dataset.num_unreadable}</Table.Td>
      <Table.Td ta="right">{dataset.num_runs}</Table.Td>
      <Table.Td>{dataset.indexed_at ? <When at={dataset.indexed_at} /> : "–"}</Table.Td>
    </Table.Tr>
  );
}
