/** What SLURM says of the run's newest job. */
import { Alert } from "@mantine/core";

import { KeyValue } from "@/ui/KeyValue";
import { When } from "@/ui/When";

import type { Run } from "../queries";
import { Panel } from "./Panel";

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
          ["Job", job.job ?? "not submitted yet"],
          ["State", job.state ?? "–"],
          ...(job.reason ? ([["Reason", job.reason]] as const) : []),
          ...(job.expected_at ? ([["Expected start", <When key="when" at={job.expected_at} />]] as const) : []),
          ...(job.nodes ? ([["Nodes", job.nodes]] as const) : []),
        ]}
      />
    </Panel>
  );
}
