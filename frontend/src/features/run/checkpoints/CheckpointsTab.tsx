/** What a pretraining left: measured, resumed from, pinned, taken away. */
import { Alert, Paper, Skeleton, Stack, Table, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import type { Recipe } from "@/api/queries";
import { formatEpoch } from "@/charts/format";
import { askFirst } from "@/ui/confirm";
import { ErrorBox } from "@/ui/ErrorBox";
import { counted, formatBytes } from "@/ui/format";

import {
  type Checkpoint,
  type Run,
  useCheckpoints,
  useEvaluateCheckpoint,
  usePinCheckpoint,
  useRecipes,
  useRemoveCheckpoint,
  useRunAction,
} from "../queries";
import { CheckpointRow, type Deed } from "./CheckpointRow";
import { EvaluateDialog } from "./EvaluateDialog";

interface CheckpointsTabProps {
  run: Run;
  /** The newest is chosen already: only the protocol is asked for. */
  isEvaluating: boolean;
  onEvaluated: () => void;
}

export function CheckpointsTab({ run, isEvaluating, onEvaluated }: CheckpointsTabProps) {
  const checkpoints = useCheckpoints(run.id);
  const recipes = useRecipes();
  const [pin, remove, evaluate, act] = [usePinCheckpoint(), useRemoveCheckpoint(), useEvaluateCheckpoint(), useRunAction(run.id)];
  const [chosen, setChosen] = useState<Checkpoint | null>(null);
  if (checkpoints.error && !checkpoints.data) return <ErrorBox error={checkpoints.error} />;
  if (!checkpoints.data) return <Skeleton h={300} />;
  const kept = [...checkpoints.data.items].sort((a, b) => b.step - a.step || b.id - a.id);
  if (kept.length === 0) return <NoCheckpoints isPretraining={run.kind === "pretrain"} />;

  const newest = kept.find(({ may }) => may.includes("evaluate")) ?? null;
  const close = () => {
    setChosen(null);
    onEvaluated();
  };
  const perform = (deed: Deed, checkpoint: Checkpoint) =>
    ({
      evaluate: () => setChosen(checkpoint),
      // A failed run goes on from there by being tried again.
      resume: () => act.mutate(run.may.includes("resume") ? "resume" : "retry"),
      pin: () => pin.mutate({ id: checkpoint.id, pinned: true }),
      unpin: () => pin.mutate({ id: checkpoint.id, pinned: false }),
      remove: () => askRemoval(checkpoint, () => remove.mutate(checkpoint.id)),
    })[deed]();
  const launch = (checkpoint: Checkpoint, recipe: string) =>
    evaluate.mutate(
      { id: checkpoint.id, recipe },
      {
        onSuccess: (launched) => {
          close();
          tellLaunched(launched.id, launched.runs[0]?.name ?? "The evaluation");
        },
      },
    );
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        {counted(kept.length, "checkpoint")}, {formatBytes(kept.reduce((sum, { bytes }) => sum + bytes, 0))}
      </Text>
      <Paper className="card">
        <Table.ScrollContainer minWidth={980} type="native">
          <Table verticalSpacing="xs" style={{ fontVariantNumeric: "tabular-nums" }}>
            <Head />
            <Table.Tbody>
              {kept.map((checkpoint) => (
                <CheckpointRow key={checkpoint.id} checkpoint={checkpoint} onDeed={(deed) => perform(deed, checkpoint)} />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </Paper>
      <EvaluateDialog
        checkpoint={chosen ?? (isEvaluating ? newest : null)}
        recipes={(recipes.data ?? []).filter((recipe) => measures(recipe, run))}
        isBusy={evaluate.isPending}
        failure={evaluate.error?.message ?? null}
        onLaunch={launch}
        onClose={close}
      />
    </Stack>
  );
}

const IMAGE_TRUNKS = new Set(["r18", "r50"]);

/** Whether a recipe is an evaluation of what the run's trunk reads. */
function measures({ kind, definition }: Recipe, { trunk }: Run): boolean {
  const { data } = definition;
  const reads = trunk && IMAGE_TRUNKS.has(trunk) ? "image" : "video";
  return kind !== "pretrain" && typeof data === "object" && data !== null && "kind" in data && data.kind === reads;
}

function Head() {
  return (
    <Table.Thead>
      <Table.Tr>
        <Table.Th>Epoch</Table.Th>
        <Table.Th ta="right">Step</Table.Th>
        <Table.Th ta="right">Size</Table.Th>
        <Table.Th>Scores</Table.Th>
        <Table.Th>Kept because</Table.Th>
        <Table.Th>SHA-256</Table.Th>
        <Table.Th>Saved</Table.Th>
        <Table.Th ta="right">Actions</Table.Th>
      </Table.Tr>
    </Table.Thead>
  );
}

function NoCheckpoints({ isPretraining }: { isPretraining: boolean }) {
  return (
    <Alert color="gray" title="No checkpoints yet">
      {isPretraining
        ? "The first one is saved when the training begins: the untrained weights that every score is held against."
        : "The classifier of the best validation is kept as it comes, the last one at the end."}
    </Alert>
  );
}

function askRemoval({ epoch, bytes }: Checkpoint, go: () => void): void {
  askFirst({
    title: `Remove the checkpoint of epoch ${formatEpoch(epoch)}?`,
    children: `Its file of ${formatBytes(bytes)} is deleted for good. Its scores stay.`,
    confirm: `Remove ${formatBytes(bytes)}`,
    isDangerous: true,
    onConfirm: go,
  });
}

function tellLaunched(id: number, name: string): void {
  notifications.show({
    color: "green",
    title: "Evaluation launched",
    message: (
      <Link to="/runs/$runId" params={{ runId: String(id) }}>
        {name}
      </Link>
    ),
  });
}
