/** What takes how much room on the server's disk. */
import { Stack, Text } from "@mantine/core";

import { formatBytes } from "@/ui/format";
import { Gauge } from "@/ui/Gauge";
import { KeyValue } from "@/ui/KeyValue";

import type { Storage } from "./queries";

export function StorageBars({ storage }: { storage: Storage }) {
  const { disk_free_bytes: free, disk_total_bytes: total, previews_bytes: previews, previews_quota_bytes: quota } = storage;
  return (
    <Stack gap="md">
      <Gauge label="Disk" share={1 - free / total} said={`${formatBytes(free)} free of ${formatBytes(total)}`} />
      <Gauge label="Previews" share={quota ? previews / quota : null} said={`${formatBytes(previews)} of ${formatBytes(quota)}`} nearlyFull={1.1} />
      <KeyValue
        pairs={[
          ["Run folders", formatBytes(storage.runs_bytes)],
          ["of which checkpoints", formatBytes(storage.checkpoints_bytes)],
          ["Database", `${storage.database}, ${formatBytes(storage.database_bytes)}`],
          ["Home", <span key="home" className="mono">{storage.home}</span>],
          ["Data roots", <Text key="roots" component="span" fz="inherit" className="mono">{storage.data_roots.join(", ") || "none"}</Text>],
        ]}
      />
    </Stack>
  );
}
