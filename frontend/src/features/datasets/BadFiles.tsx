/** Files that cannot be used, each with its reason. */
import { Table } from "@mantine/core";

export interface BadFile {
  path: string;
  split: string;
  reason: string | null;
}

export function BadFiles({ files, maxHeight }: { files: readonly BadFile[]; maxHeight?: number }) {
  return (
    <Table.ScrollContainer minWidth={520} mah={maxHeight} type="native">
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>File</Table.Th>
            <Table.Th>Split</Table.Th>
            <Table.Th>Reason</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {files.map(({ path, split, reason }) => (
            <Table.Tr key={`${split} ${path}`}>
              <Table.Td ff="monospace" fz="xs">
                {path}
              </Table.Td>
              <Table.Td>{split}</Table.Td>
              <Table.Td>{reason}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
