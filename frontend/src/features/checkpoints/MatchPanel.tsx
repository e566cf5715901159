/** A file's names held against a trunk's: counts first, then every name. */
import { Alert, Badge, Group, ScrollArea, Stack, Table, Text } from "@mantine/core";
import { IconCheck, IconX } from "@tabler/icons-react";

import { counted, formatBytes } from "@/ui/format";
import { Pill } from "@/ui/StatePill";

import type { Inspection } from "./queries";
import { NAMINGS, trunkWords } from "./trunks";

type Match = NonNullable<Inspection["match"]>;

/** Names of weights have no spaces to break at. */
const BROKEN = { overflowWrap: "anywhere" } as const;

interface Line {
  key: string;
  becomes: string;
  shape: string;
  fault: boolean;
}

export function MatchPanel({ seen }: { seen: Inspection }) {
  const { match, trunk, sentence } = seen;
  return (
    <Stack gap="xs" component="section" aria-label="Match">
      <Group gap="xs">
        {match?.is_whole ? (
          <Pill tone="green" icon={IconCheck}>
            Every name matches
          </Pill>
        ) : (
          <Pill tone="red" icon={IconX}>
            No match
          </Pill>
        )}
        <Text size="sm">
          {trunk ? `${trunkWords(trunk)} by the names of ${match ? NAMINGS[match.naming] : "none"}` : "No trunk that is known here"}
          {match && (match.prefix ? `, behind “${match.prefix}”` : ", without prefix")}
        </Text>
        <Text size="xs" c="dimmed">
          {counted(seen.tensors, "tensor")}, {formatBytes(seen.bytes)}
          {seen.container && `, under ${seen.container}`}
        </Text>
      </Group>
      {sentence && <Alert color="red">{sentence}</Alert>}
      {match && <Counts match={match} />}
      {match && <Names lines={linesOf(match)} />}
    </Stack>
  );
}

function Counts({ match }: { match: Match }) {
  const counts: readonly [string, number, string][] = [
    ["matched", match.pairs.length, "green"],
    ["missing", match.missing.length, "red"],
    ["unexpected", match.unexpected.length, "red"],
    ["of another shape", match.wrong_shape.length, "red"],
    ["of a head, left out", match.head.length, "gray"],
    ["batch counts that it lacks", match.counters.length, "gray"],
    ...match.elsewhere.map(({ prefix, tensors }): [string, number, string] => [`in “${prefix}”, left out`, tensors, "gray"]),
  ];
  return (
    <Group gap={6}>
      {counts
        .filter(([, count, colour]) => count > 0 || colour !== "gray")
        .map(([word, count, colour]) => (
          <Badge key={word} variant={count > 0 && colour === "red" ? "light" : "default"} color={colour} tt="none" fw={500}>
            {count} {word}
          </Badge>
        ))}
    </Group>
  );
}

/** What is wrong comes first. */
function linesOf(match: Match): Line[] {
  const shape = (sizes: readonly number[]) => sizes.join(" × ") || "1 number";
  return [
    ...match.wrong_shape.map(({ key, shape: has, needs }) => ({ key, becomes: `needs ${shape(needs)}`, shape: shape(has), fault: true })),
    ...match.missing.map((key) => ({ key, becomes: "missing in the file", shape: "–", fault: true })),
    ...match.unexpected.map((key) => ({ key, becomes: "no weight of the trunk", shape: "–", fault: true })),
    ...match.pairs.map(({ key, becomes, shape: has }) => ({ key, becomes, shape: shape(has), fault: false })),
    ...match.head.map((key) => ({ key, becomes: "head, left out", shape: "–", fault: false })),
  ];
}

function Names({ lines }: { lines: readonly Line[] }) {
  return (
    <ScrollArea.Autosize mah={240} className="card" type="auto" viewportProps={{ tabIndex: 0, role: "region", "aria-label": "Names" }}>
      <Table fz={12} verticalSpacing={3} stickyHeader layout="fixed">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>In the file</Table.Th>
            <Table.Th>Becomes</Table.Th>
            <Table.Th ta="right" w={96}>
              Shape
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {lines.map(({ key, becomes, shape, fault }) => (
            <Table.Tr key={`${key} ${becomes}`} c={fault ? "var(--mantine-color-error)" : undefined}>
              <Table.Td className="mono" style={BROKEN}>
                {key}
              </Table.Td>
              <Table.Td className="mono" style={BROKEN}>
                {becomes}
              </Table.Td>
              <Table.Td ta="right">{shape}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea.Autosize>
  );
}
