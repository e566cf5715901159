/** Experiments: what runs are gathered under. */
import { ActionIcon, Anchor, Button, Modal, SegmentedControl, Stack, Text, Textarea, TextInput, Tooltip } from "@mantine/core";
import { IconArchive, IconArrowBackUp, IconFlask, IconLoader2, IconPlus, IconX } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useMemo, useState } from "react";

import { type Column, DataTable } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorBox } from "@/ui/ErrorBox";
import { PageHeader } from "@/ui/PageHeader";
import { RowSkeletons } from "@/ui/Skeletons";
import { Pill } from "@/ui/StatePill";
import { type RawSearch, useUrlState } from "@/ui/useUrlState";
import { When } from "@/ui/When";

import { type Experiment, useCreateExperiment, useEditExperiment, useExperiments } from "./queries";

const readSearch = (raw: RawSearch) => ({ archived: raw.archived === true });
const NOTHING: readonly Experiment[] = [];

export default function ExperimentsPage() {
  const [{ archived }, change] = useUrlState(readSearch);
  const experiments = useExperiments(archived);
  const { mutate } = useEditExperiment();
  const [isMaking, setIsMaking] = useState(false);
  const columns = useMemo(() => columnsFor((id, isAway) => mutate({ id, archived: isAway })), [mutate]);
  const rows = experiments.data ?? NOTHING;
  const make = (
    <Button size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setIsMaking(true)}>
      New experiment
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Experiments"
        lead="A question asked, and the runs that answer it."
        actions={
          <>
            <SegmentedControl size="xs" aria-label="Archive" value={archived ? "archived" : "shown"} onChange={(value) => change({ archived: value === "archived" })} data={[{ value: "shown", label: "Current" }, { value: "archived", label: "Archive" }]} />
            {make}
          </>
        }
      />
      {experiments.error && !experiments.data && <ErrorBox error={experiments.error} onRetry={() => void experiments.refetch()} />}
      {experiments.isPending && <RowSkeletons />}
      {experiments.data && rows.length === 0 && (
        <EmptyState icon={IconFlask} title={archived ? "Nothing is archived" : "No experiment yet"} action={archived ? null : make}>
          {archived ? "Experiments that you put away show here." : "A launch makes its experiment by itself; or make one first and describe what it asks."}
        </EmptyState>
      )}
      {rows.length > 0 && <DataTable label="Experiments" columns={columns} rows={rows} idOf={({ id }) => id} nameOf={({ name }) => name} />}
      <Modal opened={isMaking} onClose={() => setIsMaking(false)} title={<Text fw={620}>New experiment</Text>}>
        <Maker onDone={() => setIsMaking(false)} />
      </Modal>
    </>
  );
}

function columnsFor(onArchive: (id: number, isAway: boolean) => void): readonly Column<Experiment>[] {
  return [
    { id: "name", header: "Experiment", width: 260, isMain: true, cell: ({ id, name }) => <Anchor component={Link} to="/runs" search={{ experiment: id } as never} fz="inherit" fw={580} c="var(--mantine-color-text)">{name}</Anchor> },
    { id: "description", header: "Description", width: 320, cell: ({ description }) => <Text fz="inherit" c="dimmed" lineClamp={2}>{description || "–"}</Text> },
    { id: "runs", header: "Runs", width: 80, align: "right", cell: ({ num_runs }) => num_runs },
    { id: "active", header: "Active", width: 110, cell: ({ num_active }) => (num_active ? <Pill tone="green" icon={IconLoader2}>{num_active} active</Pill> : "–") },
    { id: "failed", header: "Failed", width: 110, cell: ({ num_failed }) => (num_failed ? <Pill tone="red" icon={IconX}>{num_failed} failed</Pill> : "–") },
    { id: "activity", header: "Last activity", width: 120, cell: ({ last_activity_at }) => <When at={last_activity_at} /> },
    { id: "archive", header: "Archive", width: 64, cell: ({ id, name, archived }) => <ArchiveButton name={name} archived={archived} onClick={() => onArchive(id, !archived)} /> },
  ];
}

function ArchiveButton({ name, archived, onClick }: { name: string; archived: boolean; onClick: () => void }) {
  const label = archived ? `Restore ${name}` : `Archive ${name}`;
  return (
    <Tooltip label={label}>
      <ActionIcon size="sm" variant="subtle" color="gray" aria-label={label} onClick={onClick}>
        {archived ? <IconArrowBackUp size={15} /> : <IconArchive size={15} />}
      </ActionIcon>
    </Tooltip>
  );
}

function Maker({ onDone }: { onDone: () => void }) {
  const create = useCreateExperiment();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ name, description }, { onSuccess: onDone });
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput label="Name" data-autofocus required value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <Textarea label="What it asks" autosize minRows={3} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
        {create.error && <ErrorBox error={create.error} title="The experiment was not made" />}
        <Button type="submit" loading={create.isPending}>
          Make it
        </Button>
      </Stack>
    </form>
  );
}
