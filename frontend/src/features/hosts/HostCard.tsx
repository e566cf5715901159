/** One host: its devices and what runs on them, its load, whether it takes runs. */
import { Button, Group, Stack, Text, Title, Tooltip } from "@mantine/core";
import { IconCheck, IconPlugConnectedX, IconPlayerPause, type TablerIcon } from "@tabler/icons-react";

import { formatBytes } from "@/ui/format";
import { Gauge } from "@/ui/Gauge";
import { RunLink } from "@/ui/RunLink";
import { Pill, type Tone } from "@/ui/StatePill";
import { When } from "@/ui/When";

import classes from "./Hosts.module.css";
import type { Host } from "./queries";

const STATES = {
  online: { word: "Online", tone: "green", icon: IconCheck },
  away: { word: "Away", tone: "red", icon: IconPlugConnectedX },
  disabled: { word: "Drained", tone: "amber", icon: IconPlayerPause },
} satisfies Record<Host["state"], { word: string; tone: Tone; icon: TablerIcon }>;

interface HostCardProps {
  host: Host;
  isBusy: boolean;
  onEnable: (enabled: boolean) => void;
}

export function HostCard({ host, isBusy, onEnable }: HostCardProps) {
  const { word, tone, icon } = STATES[host.state];
  return (
    <article className={`card ${classes.host}`} data-away={host.state === "away" || undefined}>
      <Group justify="space-between" wrap="nowrap">
        <Group gap="xs" wrap="nowrap" miw={0}>
          <Title order={2} fz="md" className="ellipsis">
            {host.name}
          </Title>
          <Pill tone={tone} icon={icon}>
            {word}
          </Pill>
        </Group>
        <Tooltip label={host.enabled ? "Runs on it go on; it takes no new ones" : "It takes runs again"}>
          <Button size="compact-xs" variant="default" loading={isBusy} onClick={() => onEnable(!host.enabled)}>
            {host.enabled ? "Drain" : "Enable"}
          </Button>
        </Tooltip>
      </Group>
      <Labels host={host} />
      <Devices host={host} />
      <Loads host={host} />
      <Text fz={11.5} c="dimmed">
        {host.state === "away" ? "Last seen " : "Seen "}
        <When at={host.seen_at} />
        {Object.entries(host.versions).map(([name, version]) => ` · ${name} ${version}`)}
      </Text>
    </article>
  );
}

function Labels({ host }: { host: Host }) {
  const labels = Object.entries(host.labels);
  if (labels.length === 0) return null;
  return (
    <ul className={classes.labels} aria-label={`Labels of ${host.name}`}>
      {labels.map(([name, value]) => (
        <li key={name} className="mono">{`${name}=${value}`}</li>
      ))}
    </ul>
  );
}

function Devices({ host }: { host: Host }) {
  return (
    <ul className={classes.devices} aria-label={`Devices of ${host.name}`}>
      {host.devices.map((device) => (
        <li key={device.id} data-busy={device.run ? true : undefined}>
          <span className={classes.square} aria-hidden>
            {device.number}
          </span>
          <Stack gap={0} miw={0}>
            <Text fz={12.5} className="ellipsis">
              {device.name}
              {device.memory_bytes ? `, ${formatBytes(device.memory_bytes)}` : ""}
            </Text>
            <Text fz={12} c="dimmed" className="ellipsis">
              {device.run ? <RunLink run={device.run} /> : "free"}
            </Text>
          </Stack>
        </li>
      ))}
      {host.devices.length === 0 && <Text fz="sm">No devices: it runs nothing.</Text>}
    </ul>
  );
}

function Loads({ host }: { host: Host }) {
  const { disk_free_bytes: free, disk_total_bytes: total, memory_used_bytes: used } = host;
  const disk = free !== null && total ? 1 - free / total : null;
  return (
    <Stack gap={8}>
      <Gauge label="CPU" share={host.cpu_percent === null ? null : host.cpu_percent / 100} said={host.cpu_percent === null ? "not measured" : `${Math.round(host.cpu_percent)} % of ${host.cpu_count} cores`} nearlyFull={1.1} />
      <Gauge label="Memory" share={used === null ? null : used / host.memory_bytes} said={used === null ? formatBytes(host.memory_bytes) : `${formatBytes(used)} of ${formatBytes(host.memory_bytes)}`} />
      <Gauge label="Disk" share={disk} said={disk === null ? "not measured" : `${formatBytes(free)} free of ${formatBytes(total)}`} />
    </Stack>
  );
}
