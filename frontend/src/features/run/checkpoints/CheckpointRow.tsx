/** One checkpoint and what may be done with it, as the server says. */
import { ActionIcon, Badge, Button, Group, Menu, Table, Text, Tooltip } from "@mantine/core";
import {
  IconChartDots,
  IconDots,
  IconDownload,
  IconPin,
  IconPinnedOff,
  IconPlayerPlay,
  IconTrash,
  type TablerIcon,
} from "@tabler/icons-react";

import { formatEpoch, formatScore } from "@/charts/format";
import { CopyButton } from "@/ui/CopyButton";
import { formatBytes, formatCount } from "@/ui/format";
import { KIND_LOOKS } from "@/ui/StatePill";
import { When } from "@/ui/When";

import { headlineOf } from "../overview/baseline";
import { scoreName } from "@/ui/scores";
import type { Checkpoint } from "../queries";
import { RunLink } from "../RunLinks";

type May = Checkpoint["may"][number];
/** Everything but the download, which is a link. */
export type Deed = Exclude<May, "download">;

const LOOKS = {
  evaluate: { label: "Evaluate", icon: IconChartDots },
  resume: { label: "Resume from the newest", icon: IconPlayerPlay },
  pin: { label: "Pin", icon: IconPin },
  unpin: { label: "Unpin", icon: IconPinnedOff },
  remove: { label: "Remove", icon: IconTrash },
} satisfies Record<Deed, { label: string; icon: TablerIcon }>;

const KINDS = {
  initial: "untrained",
  periodic: null,
  last: "newest state",
  best: "best classifier",
  final: "last classifier",
  imported: "imported",
} satisfies Record<Checkpoint["kind"], string | null>;

export function CheckpointRow({ checkpoint, onDeed }: { checkpoint: Checkpoint; onDeed: (deed: Deed) => void }) {
  const kind = KINDS[checkpoint.kind];
  // A file from elsewhere seldom says how long it was trained.
  const isCounted = checkpoint.kind !== "imported" || checkpoint.epoch > 0;
  return (
    <Table.Tr>
      <Table.Td>
        <Group gap={6} wrap="nowrap">
          {isCounted && (
            <Text size="sm" fw={600}>
              {formatEpoch(checkpoint.epoch)}
            </Text>
          )}
          {kind && (
            <Badge size="sm" variant="default" tt="none" style={{ flex: "none" }}>
              {kind}
            </Badge>
          )}
        </Group>
      </Table.Td>
      <Table.Td ta="right">{isCounted ? formatCount(checkpoint.step) : "–"}</Table.Td>
      <Table.Td ta="right">{formatBytes(checkpoint.bytes)}</Table.Td>
      <Table.Td>
        <ScoreList checkpoint={checkpoint} />
      </Table.Td>
      <Table.Td maw={240}>
        <HeldBy checkpoint={checkpoint} />
      </Table.Td>
      <Table.Td>
        <Group gap={4} wrap="nowrap">
          <Text size="xs" ff="monospace">
            {checkpoint.sha256.slice(0, 8)}
          </Text>
          <CopyButton value={checkpoint.sha256} label="Copy the whole SHA-256" />
        </Group>
      </Table.Td>
      <Table.Td>
        <Text size="xs">
          <When at={checkpoint.created_at} />
        </Text>
      </Table.Td>
      <Table.Td>
        <Deeds checkpoint={checkpoint} onDeed={onDeed} />
      </Table.Td>
    </Table.Tr>
  );
}

function ScoreList({ checkpoint }: { checkpoint: Checkpoint }) {
  const scored = checkpoint.scores.flatMap(({ run_id, kind, values }) => {
    const metric = headlineOf(kind, values);
    return metric ? [{ run_id, words: `${KIND_LOOKS[kind].word} ${scoreName(metric)} ${formatScore(values[metric])}` }] : [];
  });
  if (scored.length === 0) return <Text c="dimmed">–</Text>;
  return (
    <Group gap="sm">
      {scored.map(({ run_id, words }) => (
        <RunLink key={run_id} id={run_id}>
          {words}
        </RunLink>
      ))}
    </Group>
  );
}

function HeldBy({ checkpoint: { pinned, held_by } }: { checkpoint: Checkpoint }) {
  return (
    <Group gap={6}>
      {pinned && (
        <Badge size="sm" variant="light" leftSection={<IconPin size={11} aria-hidden />} tt="none">
          pinned
        </Badge>
      )}
      <Text size="xs" c="dimmed" lineClamp={2} title={held_by.join("\n")}>
        {held_by.join(" ")}
      </Text>
    </Group>
  );
}

function Deeds({ checkpoint, onDeed }: { checkpoint: Checkpoint; onDeed: (deed: Deed) => void }) {
  const { id, may, epoch, kind } = checkpoint;
  const rest = may.filter((deed): deed is Deed => deed !== "download" && deed !== "evaluate");
  const name = kind === "imported" ? "the imported trunk" : `the checkpoint of epoch ${formatEpoch(epoch)}`;
  return (
    <Group gap={6} justify="flex-end" wrap="nowrap">
      {may.includes("evaluate") && (
        <Button size="compact-sm" variant="light" onClick={() => onDeed("evaluate")} aria-label={`Evaluate ${name}`}>
          Evaluate
        </Button>
      )}
      {may.includes("download") && (
        <Tooltip label="Download">
          <ActionIcon
            component="a"
            href={`/api/v1/checkpoints/${id}/download`}
            download
            variant="default"
            aria-label={`Download ${name}`}
          >
            <IconDownload size={16} />
          </ActionIcon>
        </Tooltip>
      )}
      {rest.length > 0 && (
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon variant="default" aria-label={`More for ${name}`}>
              <IconDots size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {rest.map((deed) => (
              <DeedItem key={deed} deed={deed} onClick={() => onDeed(deed)} />
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
    </Group>
  );
}

function DeedItem({ deed, onClick }: { deed: Deed; onClick: () => void }) {
  const { label, icon: Icon } = LOOKS[deed];
  return (
    <Menu.Item color={deed === "remove" ? "red" : undefined} leftSection={<Icon size={16} aria-hidden />} onClick={onClick}>
      {label}
    </Menu.Item>
  );
}
