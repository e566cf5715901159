/** The numbers people open a run for, large; an evaluation's with the protocol that gave them. */
import { Box, Button, SimpleGrid, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";

import { formatElapsed, formatScore, formatValue } from "@/charts/format";
import { KeyValue } from "@/ui/KeyValue";

import type { Run } from "../queries";
import { protocolLines, protocolPairs, protocolRows } from "./protocol";
import { Panel } from "./Panel";
import { ScoreRows } from "./ScoreRows";
import { scoreName } from "@/ui/scores";

const WANTED = ["train/loss", "train/lr", "train/clips_per_s", "train/data_wait", "health/embedding_std"];
const WORDS: Readonly<Record<string, string>> = {
  "train/loss": "Loss",
  "train/lr": "Learning rate",
  "train/clips_per_s": "Clips per second",
  "train/data_wait": "Waiting for data",
  "health/embedding_std": "Embedding deviation",
};

export function KeyNumbers({ run }: { run: Run }) {
  const isScored = run.kind !== "pretrain";
  const rows = protocolRows(run.protocol);
  const figures = isScored ? scoresOf(run) : metricsOf(run);
  return (
    <Panel title={isScored ? "Scores" : run.ended_at ? "Last values" : "Now"}>
      <SimpleGrid cols={{ base: 2, sm: 3, md: 4 }}>
        {figures.map(([label, value]) => (
          <Figure key={label} label={label} value={value} />
        ))}
        {run.duration_s !== null && <Figure label="Duration" value={formatElapsed(run.duration_s)} />}
      </SimpleGrid>
      {figures.length === 0 && (
        <Text size="sm" c="dimmed">
          {isScored ? "The scores appear when the evaluation has finished." : "The first values appear after the first step."}
        </Text>
      )}
      {rows.length > 1 && <ScoreRows rows={rows} />}
      {isScored && <Protocol run={run} />}
    </Panel>
  );
}

export function Figure({ label, value }: { label: string; value: string }) {
  return (
    <Stack gap={0}>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text fz={{ base: 20, sm: 26 }} fw={650} lh={1.2} style={{ fontVariantNumeric: "tabular-nums" }}>
        {value}
      </Text>
    </Stack>
  );
}

function Protocol({ run: { protocol } }: { run: Run }) {
  const [isWhole, { toggle }] = useDisclosure(false);
  const lines = protocolLines(protocol);
  if (lines.length === 0) return null;
  return (
    <Stack gap={6} align="flex-start">
      <Text size="sm" c="dimmed">
        Protocol: {lines.join(", ")}.
      </Text>
      <Button size="compact-xs" variant="default" onClick={toggle} aria-expanded={isWhole}>
        {isWhole ? "Hide the whole protocol" : "Show the whole protocol"}
      </Button>
      {isWhole && (
        <Box w="100%">
          <KeyValue pairs={protocolPairs(protocol)} />
        </Box>
      )}
    </Stack>
  );
}

function metricsOf({ summary }: Run): [string, string][] {
  return WANTED.filter((key) => key in summary).map((key) => [
    WORDS[key] ?? key,
    key === "train/data_wait" ? formatScore(summary[key]) : formatValue(summary[key]),
  ]);
}

/** An evaluation's scores carry no prefix: metrics of its training do. */
function scoresOf({ summary }: Run): [string, string][] {
  return Object.entries(summary)
    .filter(([key]) => !key.includes("/"))
    .map(([key, value]) => [scoreName(key), formatScore(value)]);
}
