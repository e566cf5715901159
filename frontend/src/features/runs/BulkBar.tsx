/** What may be done with the selected runs; what was refused, and why. */
import { Button, CloseButton, Group, List, Text } from "@mantine/core";
import { IconArchive, IconArrowBackUp, IconPlayerStop, type TablerIcon } from "@tabler/icons-react";

import { counted, formatCount } from "@/ui/format";
import { RunLink } from "@/ui/RunLink";

import { type BulkAction, type BulkAnswer, MOST_AT_ONCE, type Run } from "./queries";
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
  /** How many runs the filters let through, on all pages. */
  matching: number;
  onAll: () => void;
  answer: { action: BulkAction; said: BulkAnswer } | null;
  onAct: (action: BulkAction, ids: number[]) => void;
  onClear: () => void;
  /** Names of runs that are no longer selected. */
  nameOf: (id: number) => string;
}

export function BulkBar({ chosen, isBusy, matching, answer, onAll, onAct, onClear, nameOf }: BulkBarProps) {
  if (chosen.length === 0 && !answer) return null;
  const ids = chosen.map(({ id }) => id);
  return (
    <section className={`card ${classes.bar}`} aria-label="Selected runs">
      <Group gap="sm">
        <Text fz="sm" fw={600}>
          {counted(chosen.length, "run")} selected
        </Text>
        {chosen.length > 0 && chosen.length < Math.min(matching, MOST_AT_ONCE) && (
          <Button size="compact-sm" variant="subtle" disabled={isBusy} onClick={onAll}>
            Select {matching > MOST_AT_ONCE ? `the first ${formatCount(MOST_AT_ONCE)}` : "all"} of {formatCount(matching)}
          </Button>
        )}
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
      {answer && <Answer {...answer} nameOf={nameOf} isBusy={isBusy} onUndo={(ids) => onAct("restore", ids)} />}
    </section>
  );
}

interface AnswerProps {
  action: BulkAction;
  said: BulkAnswer;
  nameOf: (id: number) => string;
  isBusy: boolean;
  onUndo: (ids: number[]) => void;
}

function Answer({ action, said: { done, refused }, nameOf, isBusy, onUndo }: AnswerProps) {
  return (
    <div role="status">
      <Text fz="xs" component="div">
        {counted(done.length, "run")} {LOOKS[action].done}
        {refused.length > 0 && `, ${refused.length} refused:`}
        {action === "archive" && done.length > 0 && (
          <Button size="compact-xs" variant="subtle" ml={6} disabled={isBusy} onClick={() => onUndo(done)}>
            Undo
          </Button>
        )}
      </Text>
      <List fz="xs" mt={4} className={classes.refused}>
        {refused.map(({ id, reason }) => (
          <List.Item key={id}>
            <RunLink run={{ id, name: nameOf(id) }} />: {reason}
          </List.Item>
        ))}
      </List>
    </div>
  );
}
