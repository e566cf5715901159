/** R@k with the protocol that gave it, beside the untrained trunk's; R@1 of each class. */
import { Paper, Stack, Table, Text, Title, UnstyledButton } from "@mantine/core";

import { formatPoints, formatScore } from "@/charts/format";

import type { Retrieval, Sibling } from "./queries";
import classes from "./Scores.module.css";

export function RankTable({ retrieval, baseline }: { retrieval: Retrieval; baseline: Sibling | undefined }) {
  const isBaseline = baseline?.run_id === retrieval.run.id;
  const against = isBaseline ? undefined : baseline;
  return (
    <Paper className="card" p="md" component="section" aria-label="Scores">
      <Stack gap="xs">
        <Title order={2} size="h5">
          Recall at k
        </Title>
        <Text size="xs" c="dimmed">
          {retrieval.protocol_words}. {retrieval.num_queries} queries, {retrieval.num_bank} videos in the bank.
          {isBaseline && " These are the untrained trunk's own scores."}
        </Text>
        <Table withRowBorders verticalSpacing={4} horizontalSpacing={6} className={classes.figures}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>k</Table.Th>
              <Table.Th ta="right">R@k, %</Table.Th>
              {against && <Table.Th ta="right">Untrained</Table.Th>}
              {against && <Table.Th ta="right">Points</Table.Th>}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {retrieval.ranks.map(({ k, recall }) => (
              <RankRow key={k} k={k} recall={recall} before={against?.values[`R@${k}`]} hasBaseline={against !== undefined} />
            ))}
          </Table.Tbody>
        </Table>
      </Stack>
    </Paper>
  );
}

interface RankRowProps {
  k: number;
  recall: number;
  before: number | undefined;
  hasBaseline: boolean;
}

function RankRow({ k, recall, before, hasBaseline }: RankRowProps) {
  return (
    <Table.Tr>
      <Table.Td>{k}</Table.Td>
      <Table.Td ta="right" fw={600}>
        {perCent(recall)}
      </Table.Td>
      {hasBaseline && <Table.Td ta="right">{before === undefined ? "–" : perCent(before)}</Table.Td>}
      {hasBaseline && <Table.Td ta="right">{before === undefined ? "–" : formatPoints(recall - before)}</Table.Td>}
    </Table.Tr>
  );
}

/** The column says that it is per cent. */
function perCent(score: number): string {
  return (score * 100).toFixed(1);
}

interface ClassBarsProps {
  scores: Readonly<Record<string, number>>;
  untrained: Readonly<Record<string, number>> | undefined;
  chosen: string | undefined;
  onChoose: (name: string | undefined) => void;
}

export function ClassBars({ scores, untrained, chosen, onChoose }: ClassBarsProps) {
  const sorted = Object.entries(scores).sort(([, a], [, b]) => b - a);
  return (
    <Paper className="card" p="md" component="section" aria-label="R@1 by class">
      <Stack gap={4}>
        <Title order={2} size="h5">
          R@1 by class
        </Title>
        {untrained && (
          <Text size="xs" c="dimmed">
            The mark is the untrained trunk.
          </Text>
        )}
        {sorted.map(([name, score]) => (
          <UnstyledButton
            key={name}
            className={classes.bar}
            aria-pressed={chosen === name}
            aria-label={`${name}: ${formatScore(score)}. Show only its queries`}
            onClick={() => onChoose(chosen === name ? undefined : name)}
          >
            <span className={classes.name}>{name}</span>
            <span className={classes.track}>
              <span className={classes.fill} style={{ width: `${score * 100}%` }} />
              {untrained?.[name] !== undefined && (
                <span className={classes.before} style={{ left: `${untrained[name] * 100}%` }} />
              )}
            </span>
            <span className={classes.value}>{formatScore(score)}</span>
          </UnstyledButton>
        ))}
      </Stack>
    </Paper>
  );
}
