/** Which checkpoint of which pretraining answers, and a slider over the others. */
import { Anchor, Group, Paper, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";

import { formatEpoch } from "@/charts/format";
import { PageHeader } from "@/ui/PageHeader";

import type { Retrieval, Sibling } from "./queries";
import { CheckpointSlider } from "./RetrievalControls";

interface RetrievalHeaderProps {
  retrieval: Retrieval;
  siblings: readonly Sibling[];
  runId: number;
  onChooseRun: (runId: number) => void;
}

export function RetrievalHeader({ retrieval, siblings, runId, onChooseRun }: RetrievalHeaderProps) {
  const { run } = retrieval;
  return (
    <Stack gap="sm">
      <Stack gap={0}>
        <PageHeader
          crumbs={[{ label: "Retrieval", to: "/retrieval" }]}
          title={run.checkpoint?.run_name ?? run.name}
          lead={retrieval.protocol_words}
        />
        <Group gap="md" mt={-8}>
          {run.checkpoint && <Text size="sm">{checkpointWords(run.checkpoint)}</Text>}
          {run.dataset && (
            <Anchor size="sm" renderRoot={(props) => <Link to="/datasets/$datasetId" params={{ datasetId: String(run.dataset?.id) }} {...props} />}>
              {run.dataset.name}
            </Anchor>
          )}
          {run.parent && (
            <Anchor size="sm" renderRoot={(props) => <Link to="/runs/$runId" params={{ runId: String(run.parent?.id) }} {...props} />}>
              Pretraining
            </Anchor>
          )}
          <Anchor size="sm" renderRoot={(props) => <Link to="/runs/$runId" params={{ runId: String(run.id) }} {...props} />}>
            Retrieval run
          </Anchor>
        </Group>
      </Stack>
      {siblings.length > 1 && (
        <Paper className="card" px="md" pt="sm" pb="xs">
          <CheckpointSlider siblings={siblings} runId={runId} onChoose={onChooseRun} />
        </Paper>
      )}
    </Stack>
  );
}

function checkpointWords({ step, epoch }: NonNullable<Retrieval["run"]["checkpoint"]>): string {
  return step === 0 ? "Untrained weights" : `Epoch ${formatEpoch(epoch)}, step ${step}`;
}
