/** Filters and queries at the left, scores at the right. */
import { Alert, Grid, Skeleton, Stack } from "@mantine/core";

import { ErrorBox } from "@/ui/ErrorBox";

import type { QueryFilter } from "./filter";
import type { Turnover } from "./neighbours";
import { PAGE_SIZE, type Query, type Retrieval, type Sibling } from "./queries";
import { QueryRow } from "./QueryRow";
import { FilterBar, Pager } from "./RetrievalControls";
import { ClassBars, RankTable } from "./Scores";

interface RetrievalBodyProps {
  retrieval: Retrieval;
  baseline: Sibling | undefined;
  baselineByClass: Readonly<Record<string, number>> | undefined;
  filter: QueryFilter;
  rows: { query: Query; change: Turnover | null }[];
  total: number;
  isWaiting: boolean;
  isStale: boolean;
  failure: Error | null;
  onFilter: (patch: Partial<QueryFilter>) => void;
  onPage: (page: number) => void;
}

export function RetrievalBody(props: RetrievalBodyProps) {
  const { retrieval, filter, onFilter } = props;
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, lg: 9 }}>
        <Stack gap="sm">
          <FilterBar
            filter={filter}
            classes={retrieval.classes}
            mostNeighbours={Math.max(1, retrieval.num_stored)}
            onChange={onFilter}
          />
          <Pager total={props.total} size={PAGE_SIZE} page={filter.page} onPage={props.onPage} />
          <Rows {...props} />
          {props.total > PAGE_SIZE && (
            <Pager total={props.total} size={PAGE_SIZE} page={filter.page} onPage={props.onPage} />
          )}
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 3 }}>
        <Stack gap="sm">
          <RankTable retrieval={retrieval} baseline={props.baseline} />
          <ClassBars
            scores={retrieval.recall_by_class}
            untrained={props.baselineByClass}
            chosen={filter.label}
            onChoose={(label) => onFilter({ label, page: undefined })}
          />
        </Stack>
      </Grid.Col>
    </Grid>
  );
}

function Rows({ rows, isWaiting, isStale, failure, filter }: RetrievalBodyProps) {
  if (failure) return <ErrorBox error={failure} />;
  if (isWaiting) return [0, 1, 2].map((row) => <Skeleton key={row} h={220} />);
  if (rows.length === 0) return <Alert color="gray">{nothingWords(filter)}</Alert>;
  return (
    <Stack gap="sm" style={{ opacity: isStale ? 0.55 : 1, transition: "opacity 120ms" }} aria-busy={isStale}>
      {rows.map(({ query, change }) => (
        <QueryRow key={query.position} query={query} change={change} />
      ))}
    </Stack>
  );
}

function nothingWords({ failures, label }: QueryFilter): string {
  const of = label ? ` of the class ${label}` : "";
  return failures ? `No failures${of}: every nearest clip has its query's class.` : `There are no queries${of}.`;
}
