/** Scores of several measurements that one run made, a row each. */
import { Table } from "@mantine/core";

import { formatScore, formatValue } from "@/charts/format";
import { isScore, scoreName } from "@/ui/scores";

export function ScoreRows({ rows }: { rows: readonly Readonly<Record<string, unknown>>[] }) {
  const heads = Object.keys(rows[0] ?? {});
  return (
    <Table.ScrollContainer minWidth={320} type="native">
      <Table verticalSpacing={4} aria-label="Scores of each" style={{ fontVariantNumeric: "tabular-nums" }}>
        <Table.Thead>
          <Table.Tr>
            {heads.map((head, place) => (
              <Table.Th key={head} ta={place ? "right" : undefined}>
                {capital(scoreName(head))}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={JSON.stringify(row)}>
              {heads.map((head, place) => (
                <Table.Td key={head} ta={place ? "right" : undefined}>
                  {said(head, row[head])}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function said(head: string, value: unknown): string {
  if (typeof value !== "number") return capital(String(value ?? "–"));
  return isScore(head) ? formatScore(value) : formatValue(value);
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
