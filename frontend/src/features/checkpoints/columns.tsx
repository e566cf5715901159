/** The columns of the table of checkpoints. */
import { ActionIcon, Group, Stack, Text, Tooltip } from "@mantine/core";
import { IconChartDots, IconDownload, IconPin, IconPinnedOff, IconTrash, type TablerIcon } from "@tabler/icons-react";

import { formatEpoch, formatScore } from "@/charts/format";
import type { Column } from "@/ui/DataTable";
import { formatBytes, formatCount } from "@/ui/format";
import { RunLink } from "@/ui/RunLink";
import { scoresIn } from "@/ui/scores";
import { isIn } from "@/ui/useUrlState";
import { KIND_LOOKS, STATE_LOOKS } from "@/ui/StatePill";
import { When } from "@/ui/When";

import { GiveMenu } from "./GiveMenu";
import type { Checkpoint } from "./queries";

export type Action = Exclude<Checkpoint["may"][number], "resume">;

const LOOKS = {
  evaluate: { label: "Evaluate", icon: IconChartDots },
  download: { label: "Download", icon: IconDownload },
  pin: { label: "Pin", icon: IconPin },
  unpin: { label: "Unpin", icon: IconPinnedOff },
  remove: { label: "Remove", icon: IconTrash },
} satisfies Record<Action, { label: string; icon: TablerIcon }>;

const ACTIONS = Object.keys(LOOKS) as Action[];
const STATES = Object.keys(STATE_LOOKS) as (keyof typeof STATE_LOOKS)[];

export function columnsFor(onAct: (action: Action, checkpoint: Checkpoint) => void): readonly Column<Checkpoint>[] {
  return [
    { id: "run", header: "Pretraining", width: 190, isMain: true, cell: ({ run, experiment }) => <From run={run} experiment={experiment} /> },
    { id: "epoch", header: "Epoch", width: 90, cell: ({ epoch, step, kind }) => whichOf(epoch, step, kind) },
    { id: "step", header: "Step", width: 60, align: "right", cell: ({ step, epoch, kind }) => (kind === "imported" && !epoch ? "–" : formatCount(step)) },
    { id: "scores", header: "Scores", width: 230, cell: ({ scores }) => <Scores scores={scores} /> },
    { id: "size", header: "Size", width: 74, align: "right", cell: ({ bytes }) => formatBytes(bytes) },
    { id: "held", header: "Kept for", width: 160, cell: ({ held_by }) => <Text fz={12} c="dimmed" lineClamp={2} title={held_by.join("; ")}>{held_by.join("; ") || "nothing"}</Text> },
    { id: "sha", header: "SHA-256", width: 80, cell: ({ sha256 }) => <Tooltip label={sha256}><span className="mono">{sha256.slice(0, 8)}</span></Tooltip> },
    { id: "saved", header: "Saved", width: 84, cell: ({ created_at }) => <When at={created_at} /> },
    { id: "actions", header: "Actions", width: 150, cell: (checkpoint) => <Actions checkpoint={checkpoint} onAct={onAct} /> },
  ];
}

/** What sets a checkpoint apart from others of its epoch. */
const NOTES: Partial<Record<Checkpoint["kind"], string>> = { last: "newest", best: "best validation", final: "last epoch" };

export function whichOf(epoch: number, step: number, kind: Checkpoint["kind"]): string {
  if (kind === "imported") return epoch ? `${formatEpoch(epoch)} (imported)` : "imported";
  if (step === 0) return "untrained";
  const note = NOTES[kind];
  return note ? `${formatEpoch(epoch)} (${note})` : formatEpoch(epoch);
}

function From({ run, experiment }: Pick<Checkpoint, "run" | "experiment">) {
  return (
    <Stack gap={0}>
      <span className="ellipsis">
        <RunLink run={run} tab="checkpoints" isStrong />
      </span>
      <Text fz={11} c="dimmed" className="ellipsis">
        {experiment}
      </Text>
    </Stack>
  );
}

function Scores({ scores }: Pick<Checkpoint, "scores">) {
  if (scores.length === 0) return "–";
  return (
    <Stack gap={0}>
      {scores.map(({ run_id, kind, state, values }) => (
        <Text key={run_id} fz={12} style={{ whiteSpace: "nowrap" }}>
          <RunLink run={{ id: run_id, name: KIND_LOOKS[kind].word }} />{" "}
          {scoresIn(values)
            .slice(0, 2)
            .map(([name, value]) => `${name} ${formatScore(value)}`)
            .join(" · ") || (isIn(STATES, state) ? STATE_LOOKS[state].word.toLowerCase() : state)}
        </Text>
      ))}
    </Stack>
  );
}

function Actions({ checkpoint, onAct }: { checkpoint: Checkpoint; onAct: (action: Action, checkpoint: Checkpoint) => void }) {
  const name = `${checkpoint.run.name}, ${whichOf(checkpoint.epoch, checkpoint.step, checkpoint.kind)}`;
  return (
    <Group gap={2} wrap="nowrap">
      {ACTIONS.filter((action) => checkpoint.may.includes(action)).map((action) => {
        const { label, icon: Icon } = LOOKS[action];
        return (
          <Tooltip key={action} label={label}>
            <ActionIcon size="sm" variant="subtle" color={action === "remove" ? "red" : "gray"} aria-label={`${label}: ${name}`} onClick={() => onAct(action, checkpoint)}>
              <Icon size={15} />
            </ActionIcon>
          </Tooltip>
        );
      })}
      <GiveMenu checkpoint={checkpoint} name={name} />
    </Group>
  );
}
