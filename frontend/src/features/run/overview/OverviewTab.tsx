/** What a run gave, how it went, and what people say of it. */
import { Grid, Stack } from "@mantine/core";

import { type Run, useEvaluations } from "../queries";
import { Attempts } from "./Attempts";
import { Baseline } from "./Baseline";
import { Derived } from "./Derived";
import { History } from "./History";
import { Imported } from "./Imported";
import { KeyNumbers } from "./KeyNumbers";
import { Measurements } from "./Measurements";
import { Notes } from "./Notes";
import { RetrievalCard } from "./RetrievalCard";
import { SlurmJob } from "./SlurmJob";

export function OverviewTab({ run }: { run: Run }) {
  const isPretraining = run.kind === "pretrain";
  const isImport = run.kind === "import";
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, lg: 8 }}>
        <Stack gap="md">
          {!isImport && <KeyNumbers run={run} />}
          {run.kind === "retrieval" && <RetrievalCard run={run} />}
          {isPretraining && <Scores run={run} />}
          {isImport && <ImportedScores run={run} />}
          {!isImport && <Attempts attempts={run.attempts} />}
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 4 }}>
        <Stack gap="md">
          <SlurmJob job={run.job} />
          <Notes run={run} />
          <Derived run={run} />
          <History deeds={run.deeds} />
        </Stack>
      </Grid.Col>
    </Grid>
  );
}

/** Nothing was untrained here that a score could be held against. */
function ImportedScores({ run }: { run: Run }) {
  const evaluations = useEvaluations(run.id);
  return (
    <>
      <Imported run={run} />
      <Measurements runs={evaluations.data?.runs ?? []} />
    </>
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
