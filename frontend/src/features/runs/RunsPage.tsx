/** All runs, of every kind, live. */
import { Button, Group, Pagination, Text } from "@mantine/core";
import { IconActivity, IconFilterOff, IconPlus } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";

import { askFirst } from "@/ui/confirm";
import { DataTable } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorBox } from "@/ui/ErrorBox";
import { counted } from "@/ui/format";
import { PageHeader } from "@/ui/PageHeader";
import { RowSkeletons } from "@/ui/Skeletons";
import { useUrlState } from "@/ui/useUrlState";

import { BulkBar } from "./BulkBar";
import { Chips } from "./Chips";
import { RUN_COLUMNS } from "./columns";
import { Filters } from "./Filters";
import { type BulkAction, PAGE_SIZE, type Run, useAllMatching, useBulk, useExperimentNames, useRuns } from "./queries";
import { readRunsSearch, type RunsSearch } from "./search";
import { useChosen } from "./useChosen";

const NOTHING: readonly Run[] = [];
const idOf = ({ id }: Run) => id;
const nameOf = ({ name }: Run) => name;

export default function RunsPage() {
  const [search, change] = useUrlState(readRunsSearch);
  const runs = useRuns(search);
  const experiments = useExperimentNames();
  const rows = runs.data?.items ?? NOTHING;
  const { ids, chosen, choose } = useChosen(rows);
  const bulk = useBulk();
  const all = useAllMatching();
  const total = runs.data?.total ?? 0;
  const act = (action: BulkAction, chosen: number[]) => {
    const go = () => bulk.mutate({ action, ids: chosen }, { onSuccess: () => choose(new Set()) });
    if (action !== "stop") return go();
    askFirst({ title: `Stop ${counted(chosen.length, "run")}?`, children: "Each saves its state and leaves its devices. It can be resumed later.", confirm: "Stop", isDangerous: true, onConfirm: go });
  };
  return (
    <>
      <PageHeader title="Runs" lead={runs.data && counted(runs.data.total, "run")} actions={<LaunchButton />} />
      <Filters search={search} experiments={experiments.data ?? []} onChange={change} />
      <Chips search={search} onChange={change} />
      {runs.error && !runs.data && <ErrorBox error={runs.error} onRetry={() => void runs.refetch()} />}
      {runs.isPending && <RowSkeletons />}
      {runs.data && rows.length === 0 && <Nothing search={search} total={total} />}
      {rows.length > 0 && (
        <DataTable
          label="Runs"
          columns={RUN_COLUMNS}
          rows={rows}
          idOf={idOf}
          nameOf={nameOf}
          hidden={search.hide}
          sort={{ key: search.sort, descending: search.descending }}
          onSort={({ key, descending }) => change({ sort: readRunsSearch({ sort: key }).sort, descending })}
          selection={{ ids, onChange: choose }}
          maxHeight="calc(100vh - 210px)"
        />
      )}
      <Pages total={total} page={search.page} onPage={(page) => change({ page })} />
      <BulkBar
        chosen={chosen}
        isBusy={bulk.isPending || all.isPending}
        matching={total}
        onAll={() => all.mutate(search, { onSuccess: (found) => choose(new Set(found.map(idOf)), found) })}
        answer={bulk.data ? { action: bulk.variables.action, said: bulk.data } : null}
        onAct={act}
        onClear={() => {
          choose(new Set());
          bulk.reset();
        }}
        nameOf={(id) => rows.find((run) => run.id === id)?.name ?? `run ${id}`}
      />
    </>
  );
}

function LaunchButton() {
  return (
    <Button component={Link} to="/launch" size="xs" leftSection={<IconPlus size={14} aria-hidden />}>
      New run
    </Button>
  );
}

function Nothing({ search, total }: { search: RunsSearch; total: number }) {
  const { q, tag, experiment, parent, seeds, archived, kinds, states } = search;
  const isFiltered = total > 0 || archived || [q, tag, experiment, parent, seeds].some((one) => one !== undefined) || kinds.length + states.length > 0;
  if (!isFiltered) {
    return (
      <EmptyState icon={IconActivity} title="No run yet" action={<LaunchButton />}>
        Choose a recipe and launch it; it shows here while it waits, trains and ends.
      </EmptyState>
    );
  }
  return (
    <EmptyState icon={IconFilterOff} title="No run matches" action={<Button component={Link} to="/runs" search={{} as never} variant="default" size="xs">Show all runs</Button>}>
      {total > 0 ? `There is no page ${search.page} of ${counted(total, "run")}.` : "Take a filter off, or look in the archive."}
    </EmptyState>
  );
}

function Pages({ total, page, onPage }: { total: number; page: number; onPage: (page: number) => void }) {
  if (total <= PAGE_SIZE) return null;
  return (
    <Group justify="space-between" mt="sm">
      <Text fz="xs" c="dimmed">
        {(page - 1) * PAGE_SIZE + 1} to {Math.min(total, page * PAGE_SIZE)} of {total}
      </Text>
      <Pagination size="sm" total={Math.ceil(total / PAGE_SIZE)} value={page} onChange={onPage} />
    </Group>
  );
}
