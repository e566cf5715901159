/** A run's state by colour, icon and word, so that no reader depends on one of them. */
import { Tooltip } from "@mantine/core";
import {
  IconAdjustments,
  IconArrowsTransferUp,
  IconCheck,
  IconChartDots3,
  IconChartHistogram,
  IconClock,
  IconFileVector,
  IconHourglass,
  IconLoader2,
  IconPackageImport,
  IconPencil,
  IconPlayerPause,
  IconPlayerStopFilled,
  IconRotateClockwise,
  IconSchool,
  IconSearch,
  IconTestPipe,
  IconVectorTriangle,
  IconX,
  type TablerIcon,
} from "@tabler/icons-react";

import type { Schemas } from "@/api/client";

import classes from "./StatePill.module.css";

export type RunState = Schemas["RunView"]["state"];
export type RunKind = Schemas["RunView"]["kind"];
export type Failure = Schemas["Failure"];
export type Tone = "grey" | "blue" | "cyan" | "green" | "amber" | "orange" | "red";

interface Look {
  word: string;
  tone: Tone;
  icon: TablerIcon;
  turns?: boolean;
}

export const STATE_LOOKS = {
  draft: { word: "Draft", tone: "grey", icon: IconPencil },
  queued: { word: "Queued", tone: "blue", icon: IconClock },
  starting: { word: "Starting", tone: "cyan", icon: IconHourglass },
  running: { word: "Running", tone: "green", icon: IconLoader2, turns: true },
  stopping: { word: "Stopping", tone: "amber", icon: IconPlayerPause },
  preempted: { word: "Preempted", tone: "orange", icon: IconRotateClockwise },
  finished: { word: "Finished", tone: "green", icon: IconCheck },
  stopped: { word: "Stopped", tone: "grey", icon: IconPlayerStopFilled },
  failed: { word: "Failed", tone: "red", icon: IconX },
} satisfies Record<RunState, Look>;

export const FAILURE_WORDS = {
  user_error: "definition",
  out_of_memory: "out of memory",
  timeout: "time limit",
  infrastructure: "infrastructure",
  lost: "lost",
} satisfies Record<Failure["kind"], string>;

export const KIND_LOOKS = {
  pretrain: { word: "Pretraining", icon: IconSchool },
  linear: { word: "Linear probe", icon: IconChartHistogram },
  finetune: { word: "Fine-tuning", icon: IconAdjustments },
  test: { word: "Test", icon: IconTestPipe },
  svm: { word: "Few-shot SVMs", icon: IconVectorTriangle },
  transfer: { word: "Linear transfer", icon: IconArrowsTransferUp },
  knn: { word: "k-NN", icon: IconChartDots3 },
  retrieval: { word: "Retrieval", icon: IconSearch },
  extract: { word: "Features", icon: IconFileVector },
  import: { word: "Import", icon: IconPackageImport },
} satisfies Record<RunKind, { word: string; icon: TablerIcon }>;

interface StatePillProps {
  state: RunState;
  failure?: Failure | null;
  /** Said on hover, when there is no failure to tell. */
  hint?: string | null;
}

export function StatePill({ state, failure, hint }: StatePillProps) {
  const look: Look = STATE_LOOKS[state];
  const said = failure?.sentence ?? hint;
  const pill = (
    <Pill tone={look.tone} icon={look.icon} turns={look.turns} isLost={failure?.kind === "lost"}>
      {look.word}
      {failure && <span className={classes.why}>{FAILURE_WORDS[failure.kind]}</span>}
    </Pill>
  );
  return said ? <Tooltip label={said}>{pill}</Tooltip> : pill;
}

interface PillProps extends React.ComponentPropsWithRef<"span"> {
  tone: Tone;
  icon: TablerIcon;
  turns?: boolean | undefined;
  isLost?: boolean;
}

/** The pill itself, for states of other things: hosts, data sets. */
export function Pill({ tone, icon: Icon, turns = false, isLost = false, children, ...rest }: PillProps) {
  return (
    <span {...rest} className={classes.pill} data-tone={tone} data-lost={isLost || undefined}>
      <Icon size={12} stroke={2.4} aria-hidden className={turns ? classes.turns : undefined} />
      {children}
    </span>
  );
}

export function KindBadge({ kind }: { kind: RunKind }) {
  const { word, icon: Icon } = KIND_LOOKS[kind];
  return (
    <span className={classes.kind}>
      <Icon size={13} stroke={1.7} aria-hidden />
      {word}
    </span>
  );
}

