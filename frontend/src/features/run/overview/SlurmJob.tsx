/** What SLURM says of the run's newest job. */
import { Alert } from "@mantine/core";

import { KeyValue } from "@/ui/KeyValue";
import { When } from "@/ui/When";

import type { Run } from "../queries";
import { Panel } from "./Panel";

/** As SLURM writes it: a run of an array is a task of it. */
function nameOf({ job, task }: NonNullable<Run["job"]>): string {
  if (job === null) return "not submitted yet";
  return task === null ? String(job) : `${job}_${task}, of an array`;
}

export function SlurmJob({ job }: { job: Run["job"] }) {
  if (!job) return null;
  return (
    <Panel title="SLURM">
      {job.silent_since && job.sentence && (
        <Alert color="orange" variant="outline" py="xs" mb="xs" title={job.sentence}>
          What stands here is older. The run goes on, and nothing is called failed for it.
        </Alert>
      )}
      <KeyValue
        pairs={[
          ["Profile", job.profile],
          ["Job", nameOf(job)],
          ["State", job.state ?? "–"],
          ...(job.reason ? ([["Reason", job.reason]] as const) : []),
          ...(job.expected_at ? ([["Expected start", <When key="when" at={job.expected_at} />]] as const) : []),
          ...(job.nodes ? ([["Nodes", job.nodes]] as const) : []),
        ]}
      />
    </Panel>
  );
}
