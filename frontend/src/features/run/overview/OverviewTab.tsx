/** What a run gave, how it went, and what people say of it. */
import { Grid, Stack } from "@mantine/core";

import { type Run, useEvaluations } from "../queries";
import { Attempts } from "./Attempts";
import { Baseline } from "./Baseline";
import { Derived } from "./Derived";
import { History } from "./History";
import { KeyNumbers } from "./KeyNumbers";
import { Measurements } from "./Measurements";
import { Notes } from "./Notes";
import { RetrievalCard } from "./RetrievalCard";

export function OverviewTab({ run }: { run: Run }) {
  const isPretraining = run.kind === "pretrain";
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, lg: 8 }}>
        <Stack gap="md">
          <KeyNumbers run={run} />
          {run.kind === "retrieval" && <RetrievalCard run={run} />}
          {isPretraining && <Scores run={run} />}
          <Attempts attempts={run.attempts} />
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 4 }}>
        <Stack gap="md">
          <Notes run={run} />
          <Derived run={run} />
          <History deeds={run.deeds} />
        </Stack>
      </Grid.Col>
    </Grid>
  );
}

function Scores({ run }: { run: Run }) {
  const evaluations = useEvaluations(run.id);
  return (
    <>
      <Baseline curves={evaluations.data?.curves ?? []} />
      <Measurements runs={evaluations.data?.runs ?? []} />
    </>
  );
}
