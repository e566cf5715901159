/** What may be done with a run: told by the server, never worked out here. */
import { ActionIcon, Button, Group, Menu } from "@mantine/core";
import {
  IconArchive,
  IconArrowBackUp,
  IconChartDots,
  IconCopy,
  IconCpu,
  IconDots,
  IconPlayerPlay,
  IconPlayerStop,
  IconRefresh,
  IconRocket,
  IconTestPipe,
  type TablerIcon,
} from "@tabler/icons-react";

import { askFirst } from "@/ui/confirm";

import type { Run, RunAction } from "./queries";

interface Look {
  label: string;
  icon: TablerIcon;
  /** Asked before it is done. */
  question?: string;
}

const LOOKS = {
  launch: { label: "Launch", icon: IconRocket },
  stop: {
    label: "Stop",
    icon: IconPlayerStop,
    question: "It saves its state and leaves its devices. It can be resumed later.",
  },
  resume: { label: "Resume", icon: IconPlayerPlay },
  retry: { label: "Retry", icon: IconRefresh },
  evaluate: { label: "Evaluate", icon: IconChartDots },
  test: { label: "Test", icon: IconTestPipe },
  clone: { label: "Clone", icon: IconCopy },
  devices: { label: "Other devices", icon: IconCpu },
  archive: { label: "Archive", icon: IconArchive, question: "It leaves the tables. Nothing is deleted." },
  restore: { label: "Restore", icon: IconArrowBackUp },
} satisfies Record<RunAction, Look>;

/** Which of the allowed actions is the obvious one, first match first. */
const PRIMARY: readonly RunAction[] = ["launch", "stop", "resume", "retry", "restore", "evaluate", "test", "clone"];

/** Those that stand beside the obvious one; the others are in a menu. */
const BESIDE: ReadonlySet<RunAction> = new Set(["clone", "evaluate", "test"]);

interface RunActionsProps {
  run: Pick<Run, "may" | "name">;
  isBusy: boolean;
  onAction: (action: RunAction) => void;
}

export function RunActions({ run, isBusy, onAction }: RunActionsProps) {
  const primary = PRIMARY.find((action) => run.may.includes(action));
  const others = run.may.filter((action) => action !== primary);
  const visible = others.filter((action) => BESIDE.has(action));
  const hidden = others.filter((action) => !BESIDE.has(action));
  const ask = (action: RunAction) => askAbout(action, run.name, () => onAction(action));
  return (
    <Group gap="xs" wrap="nowrap">
      {visible.map((action) => (
        <ActionButton key={action} action={action} variant="default" isBusy={isBusy} onClick={() => ask(action)} />
      ))}
      {primary && (
        <ActionButton action={primary} variant="filled" isBusy={isBusy} onClick={() => ask(primary)} />
      )}
      {hidden.length > 0 && <More actions={hidden} isBusy={isBusy} onAsk={ask} />}
    </Group>
  );
}

interface ActionButtonProps {
  action: RunAction;
  variant: "default" | "filled";
  isBusy: boolean;
  onClick: () => void;
}

function ActionButton({ action, variant, isBusy, onClick }: ActionButtonProps) {
  const { label, icon: Icon } = LOOKS[action];
  const colour = action === "stop" ? "red.8" : undefined;
  return (
    <Button
      size="sm"
      variant={variant}
      color={colour}
      disabled={isBusy}
      leftSection={<Icon size={16} aria-hidden />}
      onClick={onClick}
    >
      {label}
    </Button>
  );
}

function More({ actions, isBusy, onAsk }: { actions: RunAction[]; isBusy: boolean; onAsk: (a: RunAction) => void }) {
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon size={36} variant="default" aria-label="More actions" disabled={isBusy}>
          <IconDots size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {actions.map((action) => {
          const { label, icon: Icon } = LOOKS[action];
          return (
            <Menu.Item key={action} leftSection={<Icon size={16} aria-hidden />} onClick={() => onAsk(action)}>
              {label}
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}

function askAbout(action: RunAction, name: string, go: () => void): void {
  const { label, question }: Look = LOOKS[action];
  if (!question) return go();
  askFirst({ title: `${label} ${name}?`, children: question, confirm: label, isDangerous: action === "stop", onConfirm: go });
}
