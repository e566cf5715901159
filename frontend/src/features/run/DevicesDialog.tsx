/** A run that goes on over another number of devices; what that changes is said before. */
import { Alert, Button, Group, List, Modal, NumberInput, Stack, Text } from "@mantine/core";
import { useState } from "react";

import { Refusal } from "@/api/client";

import { type Run, useConfiguration, useGoOnOver, useSpread } from "./queries";

export function DevicesDialog({ run, onClose }: { run: Run; onClose: () => void }) {
  const [devices, setDevices] = useState(run.devices);
  const nodes = useNodes(run.id);
  const [chosenNodes, setNodes] = useState<number>();
  const asked = { devices, nodes: chosenNodes ?? nodes };
  const spread = useSpread(run.id, asked);
  const goOn = useGoOnOver(run.id, run.may.includes("resume") ? "resume" : "retry");
  const fields = spread.error instanceof Refusal ? spread.error.fields : {};
  return (
    <Modal opened onClose={onClose} title={`Other devices for ${run.name}`} closeButtonProps={{ "aria-label": "Close" }}>
      <Stack gap="sm">
        <Group grow align="flex-start">
          <NumberInput label={run.slurm ? "Devices on each node" : "Devices"} min={1} max={1024} allowDecimal={false} value={devices} error={fields["compute.devices"]} onChange={(value) => setDevices(countOf(value))} data-autofocus />
          {run.slurm && run.kind === "pretrain" && <NumberInput label="Nodes" min={1} max={1024} allowDecimal={false} value={asked.nodes} error={fields["compute.nodes"]} onChange={(value) => setNodes(countOf(value))} />}
        </Group>
        <Changes error={spread.error} changes={spread.data?.changes} />
        {goOn.error && <Alert color="red">{goOn.error.message}</Alert>}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button loading={goOn.isPending} disabled={!spread.data} onClick={() => goOn.mutate(asked, { onSuccess: onClose })}>
            Go on
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Changes({ error, changes }: { error: Error | null; changes: readonly string[] | undefined }) {
  if (error) return <Alert color="red">{error.message}</Alert>;
  if (changes?.length === 0) return <Text size="sm">Nothing changes: it goes on as it was.</Text>;
  return (
    <List size="sm" spacing={4}>
      {changes?.map((sentence) => <List.Item key={sentence}>{sentence}</List.Item>)}
    </List>
  );
}

/** As the run was asked for. */
function useNodes(runId: number): number {
  const asked = useConfiguration(runId).data?.definition as { compute?: { nodes?: number } } | undefined;
  return asked?.compute?.nodes ?? 1;
}

function countOf(value: number | string): number {
  return Math.max(1, Number(value) || 1);
}
