/** Trained beside untrained, by protocol. */
import { Table, Text } from "@mantine/core";

import { formatEpoch, formatPoints, formatScore } from "@/charts/format";
import { KIND_LOOKS } from "@/ui/StatePill";

import type { EvaluationCurve } from "../queries";
import { RunLink } from "../RunLinks";
import { type Gain, gainsOf } from "./baseline";
import { Panel } from "./Panel";
import { scoreName } from "@/ui/scores";

export function Baseline({ curves }: { curves: readonly EvaluationCurve[] }) {
  const gains = gainsOf(curves);
  if (gains.length === 0) return null;
  return (
    <Panel title="Trained and untrained">
      <Table.ScrollContainer minWidth={520} type="native">
        <Table style={{ fontVariantNumeric: "tabular-nums" }}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Protocol</Table.Th>
              <Table.Th ta="right">Untrained</Table.Th>
              <Table.Th ta="right">Trained</Table.Th>
              <Table.Th ta="right">Points</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {gains.map((gain) => (
              <GainRow key={gain.words + gain.dataset} gain={gain} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Panel>
  );
}

function GainRow({ gain: { kind, words, dataset, metric, untrained, trained } }: { gain: Gain }) {
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm" fw={600}>
          {KIND_LOOKS[kind].word} {scoreName(metric)}
        </Text>
        <Text size="xs" c="dimmed">
          {words}
          {dataset && `, ${dataset}`}
        </Text>
      </Table.Td>
      <Table.Td ta="right">
        {untrained ? <RunLink id={untrained.runId}>{formatScore(untrained.score)}</RunLink> : "–"}
      </Table.Td>
      <Table.Td ta="right">
        {trained ? (
          <>
            <RunLink id={trained.runId}>
              <b>{formatScore(trained.score)}</b>
            </RunLink>
            <Text size="xs" c="dimmed">
              epoch {formatEpoch(trained.epoch)}
            </Text>
          </>
        ) : (
          "–"
        )}
      </Table.Td>
      <Table.Td ta="right" fw={600}>
        {trained && untrained ? formatPoints(trained.score - untrained.score) : "–"}
      </Table.Td>
    </Table.Tr>
  );
}
