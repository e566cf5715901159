import { Alert, Button, Group, Progress, Stack, Text } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";

import { CopyButton } from "@/ui/CopyButton";
import { counted } from "@/ui/format";
import { PageHeader } from "@/ui/PageHeader";
import { When } from "@/ui/When";

import { DatasetState, isUnderWay } from "./DatasetState";
import type { DatasetDetail } from "./queries";

interface DatasetHeaderProps {
  dataset: DatasetDetail;
  isBusy: boolean;
  onIndex: () => void;
}

export function DatasetHeader({ dataset, isBusy, onIndex }: DatasetHeaderProps) {
  return (
    <Stack gap="xs">
      <PageHeader
        crumbs={[{ label: "Data sets", to: "/datasets" }]}
        title={
          <Group gap="sm" component="span">
            {dataset.name}
            <DatasetState state={dataset.state} />
          </Group>
        }
        actions={
          <Button
            variant="default"
            leftSection={<IconRefresh size={16} aria-hidden />}
            disabled={isBusy || isUnderWay(dataset)}
            onClick={onIndex}
          >
            Index again
          </Button>
        }
      />
      <Group gap="md" mt={-12}>
        <Group gap={4} wrap="nowrap" miw={0}>
          <Text size="sm" ff="monospace" style={{ overflowWrap: "anywhere" }}>
            {dataset.root}
          </Text>
          <CopyButton value={dataset.root} label="Copy the folder" />
        </Group>
        <Text size="sm" c="dimmed">
          {counted(dataset.num_items, dataset.kind)} in {counted(dataset.num_classes, "class", "classes")}, {counted(dataset.num_runs, "run")}
        </Text>
        {dataset.indexed_at && (
          <Text size="sm" c="dimmed">
            indexed <When at={dataset.indexed_at} />
          </Text>
        )}
      </Group>
      {isUnderWay(dataset) && (
        <Stack gap={4}>
          <Progress value={100} animated striped aria-label="Indexing" />
          <Text size="sm">
            {dataset.state === "waiting" ? "Waiting for a worker." : "Every file is opened once. This page follows."}
          </Text>
        </Stack>
      )}
      {dataset.failure && (
        <Alert color="red" title="It could not be indexed">
          {dataset.failure}
        </Alert>
      )}
    </Stack>
  );
}
