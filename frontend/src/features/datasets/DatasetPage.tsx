/** One data set: what was indexed, how it looks, what could not be read. */
import { Skeleton, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";

import { ClockProvider } from "@/media/ClockContext";
import { NothingToShow } from "@/ui/NothingToShow";
import { numberIn, type RawSearch, textIn, useUrlState } from "@/ui/useUrlState";

import { DatasetHeader } from "./DatasetHeader";
import { isUnderWay } from "./DatasetState";
import { datasetQuery, type ItemFilter, samplesQuery, unreadableQuery, useIndexDataset } from "./queries";
import { Samples } from "./Samples";
import { ClassTable, SplitCards } from "./Splits";
import { Unreadable } from "./Unreadable";

function readItemFilter(raw: RawSearch): ItemFilter {
  return { split: textIn(raw, "split"), label: numberIn(raw, "label"), page: Math.max(1, numberIn(raw, "page") ?? 1) };
}

export default function DatasetPage() {
  const datasetId = Number(useParams({ strict: false }).datasetId);
  const [filter, change] = useUrlState(readItemFilter);
  const dataset = useQuery({
    ...datasetQuery(datasetId),
    refetchInterval: ({ state }) => (state.data && isUnderWay(state.data) ? 1_500 : false),
  });
  const isReady = dataset.data?.state === "ready";
  const samples = useQuery({ ...samplesQuery(datasetId, filter), enabled: isReady });
  const unreadable = useQuery({ ...unreadableQuery(datasetId), enabled: isReady });
  const index = useIndexDataset(datasetId);
  if (dataset.error && !dataset.data) return <NothingToShow title="No data set to show" error={dataset.error} />;
  if (!dataset.data) return <Skeleton h={480} />;
  const { splits, classes } = dataset.data;
  return (
    <ClockProvider>
      <Stack gap="md">
        <DatasetHeader dataset={dataset.data} isBusy={index.isPending} onIndex={() => index.mutate()} />
        <SplitCards splits={splits} />
        {isReady && (
          <Samples
            items={samples.data?.items}
            total={samples.data?.total ?? 0}
            failure={samples.data ? null : samples.error}
            filter={filter}
            splits={splits.map(({ name }) => name)}
            classes={classes}
            onFilter={change}
          />
        )}
        {classes.length > 0 && (
          <ClassTable
            classes={classes}
            splits={splits.map(({ name }) => name)}
            chosen={filter.label}
            onChoose={(label) => change({ label, page: undefined })}
          />
        )}
        {unreadable.data && unreadable.data.total > 0 && (
          <Unreadable items={unreadable.data.items} total={unreadable.data.total} />
        )}
      </Stack>
    </ClockProvider>
  );
}
