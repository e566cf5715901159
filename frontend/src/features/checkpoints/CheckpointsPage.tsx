/** All checkpoints: how large, how good, what they are kept for. */
import { Button, Checkbox, Pagination } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPackageImport, IconPackageOff } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";

import { askFirst } from "@/ui/confirm";
import { DataTable } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorBox } from "@/ui/ErrorBox";
import { counted, formatBytes } from "@/ui/format";
import { PageHeader } from "@/ui/PageHeader";
import { RowSkeletons } from "@/ui/Skeletons";
import { numberIn, type RawSearch, useUrlState } from "@/ui/useUrlState";

import { type Action, columnsFor, whichOf } from "./columns";
import { ImportDialog } from "./ImportDialog";
import { type Checkpoint, type CheckpointsSearch, PAGE_SIZE, useCheckpoints, usePin, useRemove } from "./queries";

const readSearch = (raw: RawSearch): CheckpointsSearch => ({ pinned: raw.pinned === true, removed: raw.removed === true, page: numberIn(raw, "page") ?? 1 });
const NOTHING: readonly Checkpoint[] = [];

export default function CheckpointsPage() {
  const [search, change] = useUrlState(readSearch);
  const checkpoints = useCheckpoints(search);
  const { mutate: pin } = usePin();
  const { mutate: remove } = useRemove();
  const navigate = useNavigate();
  const [isImporting, { open, close }] = useDisclosure(false);
  const rows = checkpoints.data?.items ?? NOTHING;
  const columns = useMemo(() => {
    const acts = {
      evaluate: ({ id }) => void navigate({ to: "/launch", search: { checkpoint: id } as never }),
      download: ({ id }) => window.location.assign(`/api/v1/checkpoints/${id}/download`),
      pin: ({ id }) => pin({ id, pinned: true }),
      unpin: ({ id }) => pin({ id, pinned: false }),
      remove: (checkpoint) => askRemoval(checkpoint, () => remove(checkpoint.id)),
    } satisfies Record<Action, (checkpoint: Checkpoint) => void>;
    return columnsFor((action, checkpoint) => acts[action](checkpoint));
  }, [navigate, pin, remove]);
  const total = checkpoints.data?.total ?? 0;
  return (
    <>
      <PageHeader
        title="Checkpoints"
        lead={checkpoints.data && `${counted(total, "checkpoint")}, ${formatBytes(rows.reduce((sum, { bytes }) => sum + bytes, 0))} shown`}
        actions={
          <>
            <Checkbox size="xs" label="Pinned only" checked={search.pinned} onChange={(event) => change({ pinned: event.currentTarget.checked, page: 1 })} />
            <Checkbox size="xs" label="Removed ones" checked={search.removed} onChange={(event) => change({ removed: event.currentTarget.checked, page: 1 })} />
            <Button size="xs" leftSection={<IconPackageImport size={14} aria-hidden />} onClick={open}>
              Import
            </Button>
          </>
        }
      />
      {checkpoints.error && !checkpoints.data && <ErrorBox error={checkpoints.error} onRetry={() => void checkpoints.refetch()} />}
      {checkpoints.isPending && <RowSkeletons />}
      {checkpoints.data && rows.length === 0 && (
        <EmptyState icon={IconPackageOff} title="No checkpoint to show">
          A pretraining leaves one of its untrained weights, and then one every few epochs. A trunk that was trained elsewhere can be imported.
        </EmptyState>
      )}
      {rows.length > 0 && <DataTable label="Checkpoints" columns={columns} rows={rows} idOf={({ id }) => id} nameOf={({ run }) => run.name} maxHeight="calc(100vh - 150px)" />}
      {total > PAGE_SIZE && <Pagination mt="sm" size="sm" total={Math.ceil(total / PAGE_SIZE)} value={search.page} onChange={(page) => change({ page })} />}
      <ImportDialog isOpen={isImporting} onClose={close} />
    </>
  );
}

function askRemoval(checkpoint: Checkpoint, onConfirm: () => void): void {
  const { run, epoch, step, kind, bytes } = checkpoint;
  askFirst({
    title: "Remove 1 checkpoint?",
    children: `${run.name}, ${whichOf(epoch, step, kind)}: ${formatBytes(bytes)} are freed. Its file is gone for good; its scores stay.`,
    confirm: `Remove ${formatBytes(bytes)}`,
    isDangerous: true,
    onConfirm,
  });
}
