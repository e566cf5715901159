/** Which of a run's classifiers is scored again; everything else is known from the run. */
import { Alert, Button, Group, Modal, Radio, Stack, Text } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { isIn } from "@/ui/useUrlState";

import { type Run, useTestRun, type Which } from "./queries";

const CHOICES: readonly { value: Which; label: string; description: string }[] = [
  { value: "best", label: "Best", description: "The classifier of the best validation." },
  { value: "last", label: "Last", description: "The classifier of the last epoch." },
  { value: "both", label: "Both", description: "Two rows of scores from one run: each video is read once." },
];
const VALUES = ["best", "last", "both"] as const;

export function TestDialog({ run, isOpen, onClose }: { run: Run; isOpen: boolean; onClose: () => void }) {
  const [which, setWhich] = useState<Which>("best");
  const [launch, navigate] = [useTestRun(run.id), useNavigate()];
  const go = () =>
    launch.mutate(which, {
      onSuccess: ({ id }) => void navigate({ to: "/runs/$runId", params: { runId: String(id) } }),
    });
  return (
    <Modal opened={isOpen} onClose={onClose} title={`Test ${run.name}`} closeButtonProps={{ "aria-label": "Close" }}>
      <Stack gap="sm">
        <Radio.Group value={which} onChange={(value) => isIn(VALUES, value) && setWhich(value)} aria-label="Which classifier">
          <Stack gap="xs">
            {CHOICES.map((choice) => (
              <Radio key={choice.value} {...choice} />
            ))}
          </Stack>
        </Radio.Group>
        <Text size="sm" c="dimmed">
          On the run's own data and all its views.
        </Text>
        {launch.error && <Alert color="red">{launch.error.message}</Alert>}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button loading={launch.isPending} onClick={go}>
            Test
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
