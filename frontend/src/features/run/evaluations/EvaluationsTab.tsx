/** Scores of a pretraining's checkpoints on its epoch axis, a chart for each protocol. */
import { Alert, Skeleton, Stack } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";

import { ErrorBox } from "@/ui/ErrorBox";

import { type EvaluationCurve, type Run, useEvaluations } from "../queries";
import { EvaluationChart } from "./EvaluationChart";
import { EvaluationTable } from "./EvaluationTable";

export function EvaluationsTab({ run }: { run: Run }) {
  const navigate = useNavigate();
  const evaluations = useEvaluations(run.id);
  if (evaluations.error && !evaluations.data) return <ErrorBox error={evaluations.error} />;
  if (!evaluations.data) return <Skeleton h={360} />;
  const { curves, runs } = evaluations.data;
  if (runs.length === 0) return <NothingMeasured />;
  const open = (curve: EvaluationCurve, id: number) => {
    const params = { runId: String(id) };
    void navigate(curve.kind === "retrieval" ? { to: "/retrieval/$runId", params } : { to: "/runs/$runId", params });
  };
  return (
    <Stack gap="md">
      {curves
        .filter(({ points }) => points.some(({ values }) => Object.keys(values).length > 0))
        .map((curve) => (
          <EvaluationChart
            key={curve.protocol_words + curve.dataset}
            curve={curve}
            epochs={run.epochs}
            onPoint={(id) => open(curve, id)}
          />
        ))}
      <EvaluationTable curves={curves} runs={runs} />
    </Stack>
  );
}

function NothingMeasured() {
  return (
    <Alert color="gray" title="Nothing measured yet">
      Plan evaluations in the definition, or evaluate a checkpoint from its row in Checkpoints.
    </Alert>
  );
}
