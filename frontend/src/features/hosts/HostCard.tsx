/** One host: its devices and what runs on them, its load, whether it takes runs. */
import { Button, Group, Stack, Text, Title, Tooltip } from "@mantine/core";
import { IconCheck, IconPlugConnectedX, IconPlayerPause, type TablerIcon } from "@tabler/icons-react";

import { formatBytes } from "@/ui/format";
import { RunLink } from "@/ui/RunLink";
import { Pill, type Tone } from "@/ui/StatePill";
import { When } from "@/ui/When";

import classes from "./Hosts.module.css";
import { LoadRow } from "./LoadRow";
import { hasCurves, measuresOf } from "./loads";
import type { Host, HostLoad } from "./queries";

const STATES = {
  online: { word: "Online", tone: "green", icon: IconCheck },
  away: { word: "Away", tone: "red", icon: IconPlugConnectedX },
  disabled: { word: "Drained", tone: "amber", icon: IconPlayerPause },
} satisfies Record<Host["state"], { word: string; tone: Tone; icon: TablerIcon }>;

interface HostCardProps {
  host: Host;
  /** Its last hour, once that was asked. */
  load: HostLoad | undefined;
  isBusy: boolean;
  onEnable: (enabled: boolean) => void;
}

export function HostCard({ host, load, isBusy, onEnable }: HostCardProps) {
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
      <Loads host={host} load={load} />
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

function Loads({ host, load }: { host: Host; load: HostLoad | undefined }) {
  const measures = measuresOf(host, load);
  const hasCurve = hasCurves(measures);
  return (
    <Stack gap={10} role="group" aria-label={`Load of ${host.name}`}>
      {measures.map((measure) => (
        <LoadRow key={measure.label} measure={measure} hasCurve={hasCurve} />
      ))}
      <Text fz={11.5} c="dimmed" ta={hasCurve ? "right" : undefined}>
        {hasCurve ? "Curves: the last hour, 0 to 100 %" : load && host.state !== "away" ? "Curves of the last hour begin within a minute." : "\u00a0"}
      </Text>
    </Stack>
  );
}
