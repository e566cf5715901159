/** Every evaluation of this pretraining, the latest checkpoint first. */
import { Anchor, Paper, Table, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";

import type { Schemas } from "@/api/client";
import { formatEpoch, formatScore } from "@/charts/format";
import { StatePill } from "@/ui/StatePill";

import { scoreName } from "@/ui/scores";
import type { EvaluationCurve } from "../queries";
import { RunLink } from "../RunLinks";

type RunView = Schemas["RunView"];

interface EvaluationTableProps {
  curves: readonly EvaluationCurve[];
  runs: readonly RunView[];
}

export function EvaluationTable({ curves, runs }: EvaluationTableProps) {
  const words = new Map(curves.flatMap((curve) => curve.points.map(({ run_id }) => [run_id, curve.protocol_words])));
  const sorted = [...runs].sort((a, b) => (b.checkpoint?.step ?? 0) - (a.checkpoint?.step ?? 0) || b.id - a.id);
  return (
    <Paper className="card" p="md" component="section" aria-label="All evaluations">
      <Title order={2} size="h5" mb="xs">
        All evaluations
      </Title>
      <Table.ScrollContainer minWidth={720} type="native">
        <Table style={{ fontVariantNumeric: "tabular-nums" }}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Checkpoint</Table.Th>
              <Table.Th>Evaluation</Table.Th>
              <Table.Th>State</Table.Th>
              <Table.Th>Scores</Table.Th>
              <Table.Th>Protocol</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {sorted.map((run) => (
              <EvaluationRow key={run.id} run={run} words={words.get(run.id) ?? ""} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
}

function EvaluationRow({ run, words }: { run: RunView; words: string }) {
  return (
    <Table.Tr>
      <Table.Td>{checkpointWords(run)}</Table.Td>
      <Table.Td>
        <RunLink id={run.id}>{run.name}</RunLink>
      </Table.Td>
      <Table.Td>
        <StatePill state={run.state} failure={run.failure} />
      </Table.Td>
      <Table.Td>
        {scoreWords(run)}
        {run.kind === "retrieval" && "R@1" in run.summary && (
          <Anchor
            size="xs"
            ml="xs"
            renderRoot={(props) => <Link to="/retrieval/$runId" params={{ runId: String(run.id) }} {...props} />}
          >
            watch
          </Anchor>
        )}
      </Table.Td>
      <Table.Td>
        <Text size="xs" c="dimmed">
          {words}
        </Text>
      </Table.Td>
    </Table.Tr>
  );
}

function checkpointWords({ checkpoint }: RunView): string {
  if (!checkpoint) return "–";
  return checkpoint.step === 0 ? "Untrained" : `Epoch ${formatEpoch(checkpoint.epoch)}`;
}

/** An evaluation's own scores; the metrics of a classifier's training have a prefix. */
function scoreWords({ summary }: RunView): string {
  const scores = Object.entries(summary).filter(([key]) => !key.includes("/"));
  return scores.slice(0, 3).map(([key, value]) => `${scoreName(key)} ${formatScore(value)}`).join(", ") || "–";
}
