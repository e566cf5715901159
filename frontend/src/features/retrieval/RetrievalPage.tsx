/** Query clips beside whom a checkpoint finds for them, all playing by one clock. */
import { Grid, Skeleton, Stack } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";

import { ClockProvider } from "@/media/ClockContext";
import { NothingToShow } from "@/ui/NothingToShow";
import { useUrlState } from "@/ui/useUrlState";

import { readFilter } from "./filter";
import { checkpointBefore, measured, turnover, untrained } from "./neighbours";
import { answersQuery, PAGE_SIZE, queriesQuery, retrievalQuery } from "./queries";
import { RetrievalBody } from "./RetrievalBody";
import { RetrievalHeader } from "./RetrievalHeader";

export default function RetrievalPage() {
  const runId = Number(useParams({ strict: false }).runId);
  const navigate = useNavigate();
  const [filter, change] = useUrlState(readFilter);
  const retrieval = useQuery(retrievalQuery(runId));
  const queries = useQuery(queriesQuery(runId, filter));
  const siblings = measured(retrieval.data?.siblings ?? []);
  const before = checkpointBefore(siblings, runId);
  const positions = queries.isPlaceholderData ? [] : (queries.data?.items.map(({ position }) => position) ?? []);
  const answers = useQuery(answersQuery(before?.run_id, filter, positions));
  const baseline = untrained(siblings);
  const isCompared = baseline !== undefined && baseline.run_id !== runId;
  const baselineScores = useQuery({ ...retrievalQuery(baseline?.run_id ?? runId), enabled: isCompared });

  const lastPage = Math.max(1, Math.ceil((queries.data?.total ?? 0) / PAGE_SIZE));
  const turnTo = (page: number) => change({ page: Math.min(lastPage, Math.max(1, page)) });
  // A slider that has the focus has already taken the key for itself.
  const turnUnlessTaken = (event: KeyboardEvent, by: number) => {
    if (!event.defaultPrevented) turnTo(filter.page + by);
  };
  useHotkeys([
    ["ArrowRight", (event) => turnUnlessTaken(event, 1), { preventDefault: false }],
    ["ArrowLeft", (event) => turnUnlessTaken(event, -1), { preventDefault: false }],
  ]);

  if (retrieval.error && !retrieval.data) return <NothingToShow title="No retrieval to show" error={retrieval.error} />;
  if (!retrieval.data) return <Waiting />;
  const chooseRun = (chosen: number) =>
    void navigate({ to: "/retrieval/$runId", params: { runId: String(chosen) }, search: (old: object) => old, replace: true });
  const items = queries.data?.items ?? [];
  return (
    <ClockProvider>
      <Stack gap="md">
        <RetrievalHeader retrieval={retrieval.data} siblings={siblings} runId={runId} onChooseRun={chooseRun} />
        <RetrievalBody
          retrieval={retrieval.data}
          baseline={baseline}
          baselineByClass={isCompared ? baselineScores.data?.recall_by_class : undefined}
          filter={filter}
          rows={items.map((query) => ({ query, change: turnover(query, answers.data) }))}
          total={queries.data?.total ?? 0}
          isWaiting={queries.isPending}
          isStale={queries.isPlaceholderData}
          failure={queries.data ? null : queries.error}
          onFilter={change}
          onPage={turnTo}
        />
      </Stack>
    </ClockProvider>
  );
}

function Waiting() {
  return (
    <Grid>
      <Grid.Col span={12}>
        <Skeleton h={60} />
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 9 }}>
        <Skeleton h={420} />
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 3 }}>
        <Skeleton h={420} />
      </Grid.Col>
    </Grid>
  );
}
