/** Choose how a checkpoint is measured: the evaluation recipes, with their protocols in words. */
import { Alert, Button, Group, Modal, Radio, ScrollArea, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import type { Recipe } from "@/api/queries";
import { formatEpoch } from "@/charts/format";
import { KindBadge } from "@/ui/StatePill";

import { protocolLines } from "../overview/protocol";
import type { Checkpoint } from "../queries";

interface EvaluateDialogProps {
  checkpoint: Checkpoint | null;
  recipes: readonly Recipe[];
  isBusy: boolean;
  failure: string | null;
  onLaunch: (checkpoint: Checkpoint, recipe: string) => void;
  onClose: () => void;
}

export function EvaluateDialog({ checkpoint, recipes, isBusy, failure, onLaunch, onClose }: EvaluateDialogProps) {
  const [chosen, setChosen] = useState<string | null>(null);
  const recipe = recipes.find(({ name }) => name === chosen) ?? recipes[0];
  return (
    <Modal
      opened={checkpoint !== null}
      onClose={onClose}
      size="lg"
      title={checkpoint && `Evaluate ${checkpoint.kind === "imported" ? "" : `epoch ${formatEpoch(checkpoint.epoch)} of `}${checkpoint.run.name}`}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Stack gap="sm">
        <ScrollArea.Autosize mah={320}>
          <Radio.Group value={recipe?.name ?? ""} onChange={setChosen} aria-label="How it is measured">
            <Stack gap="xs">
              {recipes.map((one) => (
                <RecipeChoice key={one.name} recipe={one} />
              ))}
            </Stack>
          </Radio.Group>
        </ScrollArea.Autosize>
        {recipe && (
          <Text size="sm" c="dimmed">
            Protocol: {protocolWords(recipe)}. On the {checkpoint?.kind === "imported" ? "recipe" : "pretraining"}'s own data.
          </Text>
        )}
        {failure && <Alert color="red">{failure}</Alert>}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          {checkpoint && recipe && (
            <Button variant="default" component={Link} to="/launch" search={{ recipe: recipe.name, checkpoint: checkpoint.id } as never}>
              Change it first
            </Button>
          )}
          <Button
            loading={isBusy}
            disabled={!recipe}
            onClick={() => checkpoint && recipe && onLaunch(checkpoint, recipe.name)}
          >
            Evaluate
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function RecipeChoice({ recipe: { name, title, summary, kind } }: { recipe: Recipe }) {
  return (
    <Radio.Card value={name} p="sm" radius="sm" aria-label={title}>
      <Group wrap="nowrap" align="flex-start" gap="sm">
        <Radio.Indicator />
        <Stack gap={2}>
          <Group gap="xs">
            <Text size="sm" fw={600}>
              {title}
            </Text>
            <KindBadge kind={kind} />
          </Group>
          <Text size="xs" c="dimmed">
            {summary}
          </Text>
        </Stack>
      </Group>
    </Radio.Card>
  );
}

function protocolWords({ definition }: Recipe): string {
  const { protocol } = definition;
  return typeof protocol === "object" && protocol !== null ? protocolLines({ ...protocol }).join(", ") : "as the recipe says";
}
