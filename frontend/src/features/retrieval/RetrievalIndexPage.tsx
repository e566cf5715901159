/** Every retrieval that was asked for, with its R@1. */
import { Anchor, Pagination, Paper, Table } from "@mantine/core";
import { IconMovie } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { Schemas } from "@/api/client";
import { formatEpoch, formatScore } from "@/charts/format";
import { PageHeader } from "@/ui/PageHeader";
import { RowSkeletons } from "@/ui/Skeletons";
import { StatePill } from "@/ui/StatePill";
import { numberIn, type RawSearch, useUrlState } from "@/ui/useUrlState";
import { When } from "@/ui/When";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorBox } from "@/ui/ErrorBox";

import { retrievalRunsQuery } from "./queries";

const SIZE = 50;

type RunView = Schemas["RunView"];

function readPage(raw: RawSearch): { page: number } {
  return { page: Math.max(1, numberIn(raw, "page") ?? 1) };
}

export default function RetrievalIndexPage() {
  const [{ page }, change] = useUrlState(readPage);
  const runs = useQuery(retrievalRunsQuery(page, SIZE));
  const pages = Math.ceil((runs.data?.total ?? 0) / SIZE);
  return (
    <>
      <PageHeader title="Retrieval" lead="Which training clips a checkpoint finds similar to clips it never saw." />
      {runs.error && !runs.data && <ErrorBox error={runs.error} />}
      {runs.isPending && <RowSkeletons />}
      {runs.data?.total === 0 && <Empty />}
      {runs.data && runs.data.total > 0 && <RetrievalTable runs={runs.data.items} />}
      {pages > 1 && <Pagination mt="md" total={pages} value={page} onChange={(page) => change({ page })} />}
    </>
  );
}

function Empty() {
  return (
    <Paper className="card">
      <EmptyState icon={IconMovie} title="No retrieval yet">
        Start one from a checkpoint's row, under Checkpoints of a pretraining, or plan it when you launch.
      </EmptyState>
    </Paper>
  );
}

function RetrievalTable({ runs }: { runs: readonly RunView[] }) {
  return (
    <Paper className="card">
      <Table.ScrollContainer minWidth={760} type="native">
        <Table highlightOnHover verticalSpacing="sm" style={{ fontVariantNumeric: "tabular-nums" }}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Pretraining</Table.Th>
              <Table.Th>Checkpoint</Table.Th>
              <Table.Th ta="right">R@1</Table.Th>
              <Table.Th ta="right">R@5</Table.Th>
              <Table.Th>Data set</Table.Th>
              <Table.Th>State</Table.Th>
              <Table.Th>Asked</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {runs.map((run) => (
              <RetrievalRow key={run.id} run={run} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
}

function RetrievalRow({ run }: { run: RunView }) {
  const params = { runId: String(run.id) };
  const isScored = "R@1" in run.summary;
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor
          size="sm"
          fw={600}
          renderRoot={(props) =>
            isScored ? (
              <Link to="/retrieval/$runId" params={params} {...props} />
            ) : (
              <Link to="/runs/$runId" params={params} {...props} />
            )
          }
        >
          {run.parent?.name ?? run.name}
        </Anchor>
      </Table.Td>
      <Table.Td>{checkpointWords(run)}</Table.Td>
      <Table.Td ta="right" fw={600}>
        {formatScore(run.summary["R@1"])}
      </Table.Td>
      <Table.Td ta="right">{formatScore(run.summary["R@5"])}</Table.Td>
      <Table.Td>{run.dataset?.name ?? "–"}</Table.Td>
      <Table.Td>
        <StatePill state={run.state} failure={run.failure} />
      </Table.Td>
      <Table.Td>
        <When at={run.created_at} />
      </Table.Td>
    </Table.Tr>
  );
}

function checkpointWords({ checkpoint }: RunView): string {
  if (!checkpoint) return "–";
  return checkpoint.step === 0 ? "Untrained" : `Epoch ${formatEpoch(checkpoint.epoch)}`;
}
