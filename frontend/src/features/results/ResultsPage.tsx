/** What was published, what we measured, and what a fair reader must know before comparing the two. */
import { Group, Select, Stack, Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { experimentNamesQuery } from "@/api/queries";
import { ErrorBox } from "@/ui/ErrorBox";
import { PageHeader } from "@/ui/PageHeader";
import { CardSkeletons } from "@/ui/Skeletons";
import { isIn, numberIn, type RawSearch, useUrlState } from "@/ui/useUrlState";

import { OwnPanel } from "./OwnPanel";
import { PaperPanel } from "./PaperPanel";
import { ownQuery, publishedQuery } from "./queries";

const TABS = ["published", "own"] as const;
const readSearch = (raw: RawSearch) => ({ tab: isIn(TABS, raw.tab) ? raw.tab : TABS[0], experiment: numberIn(raw, "experiment") });

export default function ResultsPage() {
  const [{ tab, experiment }, change] = useUrlState(readSearch);
  const experiments = useQuery(experimentNamesQuery);
  return (
    <>
      <PageHeader
        title="Results"
        lead="Published numbers with ours beside them. A star marks another protocol; it says which."
        actions={
          <Select
            size="xs"
            clearable
            searchable
            aria-label="Experiment"
            placeholder="All experiments"
            data={(experiments.data ?? []).map(({ id, name }) => ({ value: String(id), label: name }))}
            value={experiment === undefined ? null : String(experiment)}
            onChange={(id) => change({ experiment: id ? Number(id) : undefined })}
          />
        }
      />
      <Tabs value={tab} onChange={(chosen) => isIn(TABS, chosen) && change({ tab: chosen })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="published">Published</Tabs.Tab>
          <Tabs.Tab value="own">Our runs</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="published">
          <Published experiment={experiment} />
        </Tabs.Panel>
        <Tabs.Panel value="own">
          <Own experiment={experiment} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function Published({ experiment }: { experiment: number | undefined }) {
  const tables = useQuery(publishedQuery(experiment));
  if (tables.error && !tables.data) return <ErrorBox error={tables.error} onRetry={() => void tables.refetch()} />;
  if (!tables.data) return <CardSkeletons />;
  return (
    <Stack gap="md">
      {tables.data.map((table) => (
        <PaperPanel key={table.name} table={table} experiment={experiment} />
      ))}
    </Stack>
  );
}

function Own({ experiment }: { experiment: number | undefined }) {
  const table = useQuery(ownQuery(experiment));
  if (table.error && !table.data) return <ErrorBox error={table.error} onRetry={() => void table.refetch()} />;
  if (!table.data) return <CardSkeletons />;
  return (
    <Group grow>
      <OwnPanel table={table.data} experiment={experiment} />
    </Group>
  );
}
