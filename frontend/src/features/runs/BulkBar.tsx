/** What may be done with the selected runs; what was refused, and why. */
import { Button, CloseButton, Group, List, Text } from "@mantine/core";
import { IconArchive, IconArrowBackUp, IconPlayerStop, type TablerIcon } from "@tabler/icons-react";

import { counted } from "@/ui/format";
import { RunLink } from "@/ui/RunLink";

import type { BulkAction, BulkAnswer, Run } from "./queries";
import classes from "./Runs.module.css";

const LOOKS = {
  stop: { label: "Stop", done: "asked to stop", icon: IconPlayerStop },
  archive: { label: "Archive", done: "archived", icon: IconArchive },
  restore: { label: "Restore", done: "restored", icon: IconArrowBackUp },
} satisfies Record<BulkAction, { label: string; done: string; icon: TablerIcon }>;

const ACTIONS = Object.keys(LOOKS) as BulkAction[];

interface BulkBarProps {
  chosen: readonly Run[];
  isBusy: boolean;
  answer: { action: BulkAction; said: BulkAnswer } | null;
  onAct: (action: BulkAction, ids: number[]) => void;
  onClear: () => void;
  /** Names of runs that are no longer selected. */
  nameOf: (id: number) => string;
}

export function BulkBar({ chosen, isBusy, answer, onAct, onClear, nameOf }: BulkBarProps) {
  if (chosen.length === 0 && !answer) return null;
  const ids = chosen.map(({ id }) => id);
  return (
    <section className={`card ${classes.bar}`} aria-label="Selected runs">
      <Group gap="sm">
        <Text fz="sm" fw={600}>
          {counted(chosen.length, "run")} selected
        </Text>
        {ACTIONS.map((action) => {
          const { label, icon: Icon } = LOOKS[action];
          const able = chosen.filter(({ may }) => may.includes(action)).length;
          return (
            <Button key={action} size="compact-sm" variant="default" disabled={able === 0 || isBusy} leftSection={<Icon size={14} aria-hidden />} onClick={() => onAct(action, ids)}>
              {label} {able > 0 && able}
            </Button>
          );
        })}
        <CloseButton size="sm" aria-label="Clear the selection" onClick={onClear} />
      </Group>
      {answer && (
        <div role="status">
          <Text fz="xs">
            {counted(answer.said.done.length, "run")} {LOOKS[answer.action].done}
            {answer.said.refused.length > 0 && `, ${answer.said.refused.length} refused:`}
          </Text>
          <List fz="xs" mt={4}>
            {answer.said.refused.map(({ id, reason }) => (
              <List.Item key={id}>
                <RunLink run={{ id, name: nameOf(id) }} />: {reason}
              </List.Item>
            ))}
          </List>
        </div>
      )}
    </section>
  );
}
