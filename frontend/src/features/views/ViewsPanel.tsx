/** The augmentation inspector: the very views that a training is fed of an item at a seed and epoch. */
import { Alert, Button, Group, NumberInput, SimpleGrid, Stack, Text } from "@mantine/core";
import { IconEye } from "@tabler/icons-react";
import { useState } from "react";

import { ClockControls, ClockProvider } from "@/media/ClockContext";
import { ErrorBox } from "@/ui/ErrorBox";
import { formatCount } from "@/ui/format";
import { CardSkeletons } from "@/ui/Skeletons";

import { type Inspection, type LookRequest, useInspection } from "./queries";
import { SeenCard } from "./SeenCard";

type Source = { run_id: number } | { definition: Record<string, unknown> };

interface ViewsPanelProps {
  source: Source;
  /** The definition's own. */
  seed: number;
  /** Show at once, or wait to be asked. */
  isEager: boolean;
  columns: number;
}

export function ViewsPanel({ source, seed, isEager, columns }: ViewsPanelProps) {
  const [chosen, setChosen] = useState({ position: 0, epoch: 0, seed });
  const [asked, setAsked] = useState<LookRequest | null>(isEager ? { ...source, ...chosen } : null);
  const views = useInspection(asked);
  const choose = (patch: Partial<typeof chosen>) => setChosen({ ...chosen, ...patch });
  const show = (position = chosen.position) => {
    choose({ position });
    setAsked({ ...source, ...chosen, position });
  };
  const last = (views.data?.num_items ?? 1) - 1;
  return (
    <ClockProvider>
      <Stack gap="md">
        <Group align="flex-end" gap="sm">
          <Whole label="Item" value={chosen.position} onChange={(position) => choose({ position })} />
          <Whole label="Epoch" value={chosen.epoch} onChange={(epoch) => choose({ epoch })} />
          <Whole label="Seed" value={chosen.seed} onChange={(to) => choose({ seed: to })} />
          <Button leftSection={<IconEye size={16} aria-hidden />} onClick={() => show()} loading={views.isFetching && !views.data}>
            Show the views
          </Button>
          {views.data && (
            <Button variant="default" onClick={() => show(chosen.position >= last ? 0 : chosen.position + 1)}>
              Next item
            </Button>
          )}
        </Group>
        {asked === null && (
          <Text size="sm" c="dimmed">
            Crop, colours and moment of each view, as this definition draws them for any item, epoch and seed.
          </Text>
        )}
        {views.error && <ErrorBox error={views.error} title="No views to show" />}
        {views.data && !views.error && <Shown views={views.data} columns={columns} />}
        {asked !== null && views.isPending && !views.error && <CardSkeletons count={2} />}
      </Stack>
    </ClockProvider>
  );
}

function Whole({ label, value, onChange }: { label: string; value: number; onChange: (value: number) => void }) {
  return <NumberInput label={label} value={value} min={0} allowDecimal={false} w={96} onChange={(to) => onChange(Number(to) || 0)} />;
}

function Shown({ views, columns }: { views: Inspection; columns: number }) {
  if (views.state === "failed") {
    return (
      <Alert color="red" variant="outline" title={`${views.path} cannot be shown`}>
        {views.failure}
      </Alert>
    );
  }
  return (
    <>
      <Group justify="space-between">
        <Text size="sm">
          <b>{views.path}</b>
          {views.class_name !== null && <> of class {views.class_name}</>}, item {formatCount(views.position)} of {formatCount(views.num_items)} in{" "}
          {views.dataset} ({views.split}), epoch {formatCount(views.epoch)}, seed {views.seed}
        </Text>
        {views.kind === "video" && views.state === "ready" && <ClockControls />}
      </Group>
      {views.state === "waiting" ? (
        <div role="status" aria-label="The views are being made">
          <CardSkeletons count={2} />
        </div>
      ) : (
        <SimpleGrid cols={{ base: 1, lg: columns }}>
          {views.views.map((seen, place) => (
            <SeenCard key={seen.view_url} seen={seen} number={place + 1} path={views.path} />
          ))}
        </SimpleGrid>
      )}
    </>
  );
}
