/** Where a run belongs: its experiment, what it measures, its data, where it came from, its other seeds. */
import { Anchor, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import { formatEpoch } from "@/charts/format";

import type { Run } from "./queries";

export function RunLinks({ run }: { run: Run }) {
  return (
    <>
      <Named label="Experiment">
        <ExperimentLink experiment={run.experiment} />
      </Named>
      {run.checkpoint && (
        <Named label="Measures">
          <RunLink id={run.checkpoint.run_id} tab="checkpoints">
            {run.checkpoint.run_name}, {run.checkpoint.step === 0 ? "untrained" : `epoch ${formatEpoch(run.checkpoint.epoch)}`}
          </RunLink>
        </Named>
      )}
      {run.dataset && (
        <Named label="Data">
          <DatasetLink dataset={run.dataset} />
        </Named>
      )}
      {run.cloned_from && (
        <Named label="Cloned from">
          <RunLink id={run.cloned_from.id}>{run.cloned_from.name}</RunLink>
        </Named>
      )}
      {run.seeds.length > 0 && (
        <Named label="Other seeds">
          {run.seeds.map((seed, place) => (
            <span key={seed.id}>
              {place > 0 && ", "}
              <RunLink id={seed.id}>{seed.name}</RunLink>
            </span>
          ))}
        </Named>
      )}
    </>
  );
}

function Named({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Text size="sm">
      <Text span c="dimmed">
        {label}{" "}
      </Text>
      {children}
    </Text>
  );
}

export function RunLink({ id, tab, children }: { id: number; tab?: string; children: ReactNode }) {
  return (
    <Anchor
      size="sm"
      renderRoot={(props) => <Link to="/runs/$runId" params={{ runId: String(id) }} search={tab ? { tab } : {}} {...props} />}
    >
      {children}
    </Anchor>
  );
}

function ExperimentLink({ experiment }: { experiment: Run["experiment"] }) {
  const search = { experiment: experiment.id };
  return (
    <Anchor size="sm" renderRoot={(props) => <Link to="/runs" search={search} {...props} />}>
      {experiment.name}
    </Anchor>
  );
}

function DatasetLink({ dataset }: { dataset: NonNullable<Run["dataset"]> }) {
  const params = { datasetId: String(dataset.id) };
  return (
    <Anchor size="sm" renderRoot={(props) => <Link to="/datasets/$datasetId" params={params} {...props} />}>
      {dataset.name}
    </Anchor>
  );
}
