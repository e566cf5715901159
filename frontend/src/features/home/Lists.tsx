/** The queue, the failures and the results, each a short list. */
import { Anchor, Group, Stack, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import { formatEpoch, formatScore } from "@/charts/format";
import { formatCount } from "@/ui/format";
import { RunLink } from "@/ui/RunLink";
import { scoresIn } from "@/ui/scores";
import { KindBadge, StatePill } from "@/ui/StatePill";
import { When } from "@/ui/When";

import classes from "./Home.module.css";
import { ASKED, type Run } from "./queries";

interface ListProps {
  title: string;
  runs: readonly Run[];
  /** Said when there is none. */
  none: string;
  /** Under the name. */
  detail: (run: Run) => ReactNode;
  /** At the right. */
  end: (run: Run) => ReactNode;
  isNarrow?: boolean;
  /** How many there are in all, and where they are shown. */
  all: { total: number; states: readonly Run["state"][]; kinds?: readonly Run["kind"][] };
}

export function RunList({ title, runs, none, detail, end, all, isNarrow = false }: ListProps) {
  const { total, ...search } = all;
  return (
    <section>
      <Group justify="space-between" mb={6}>
        <Title order={2} fz="md">
          {title}
        </Title>
        {total > runs.length && (
          <Anchor component={Link} to="/runs" search={search as never} fz={12}>
            All {formatCount(total)}
          </Anchor>
        )}
      </Group>
      <div className="card">
        {runs.length === 0 && <p className={classes.none}>{none}</p>}
        <ul className={classes.list}>
          {runs.map((run) => (
            <li key={run.id}>
              <div className={classes.main}>
                <Group gap="xs" wrap="nowrap">
                  <span className={isNarrow ? classes.wrapping : "ellipsis"}>
                    <RunLink run={run} isStrong />
                  </span>
                  {!isNarrow && <KindBadge kind={run.kind} />}
                </Group>
                <Text fz={12} c="dimmed" lineClamp={2} component="div">
                  {detail(run)}
                </Text>
              </div>
              {end(run)}
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}

interface PartProps {
  runs: readonly Run[];
  total: number;
}

export function Queue({ runs, total }: PartProps) {
  return (
    <RunList
      isNarrow
      title="Queue"
      runs={runs}
      all={{ total, states: ASKED.queue.state }}
      none="Nothing waits."
      detail={({ waits_for, queued_at }) => waits_for ?? <>queued <When at={queued_at} /></>}
      end={(run) => <StatePill state={run.state} failure={run.failure} />}
    />
  );
}

export function Failures({ runs, total }: PartProps) {
  return (
    <RunList
      title="Recent failures"
      runs={runs}
      all={{ total, states: ASKED.failures.state }}
      none="None."
      detail={({ failure }) => failure?.sentence ?? "It ended without a word."}
      end={(run) => <Ended run={run} />}
    />
  );
}

export function Results({ runs, total }: PartProps) {
  const { state: states, kind: kinds } = ASKED.results;
  return <RunList title="Recent results" runs={runs} all={{ total, states, kinds }} none="No evaluation has ended yet." detail={whichOf} end={(run) => <Scores run={run} />} />;
}

function Ended({ run }: { run: Run }) {
  return (
    <Stack gap={2} align="flex-end">
      <StatePill state={run.state} failure={run.failure} />
      <Text fz={11.5} c="dimmed">
        <When at={run.ended_at} />
      </Text>
    </Stack>
  );
}

function whichOf({ parent, checkpoint }: Run): ReactNode {
  if (!parent || !checkpoint) return "–";
  return (
    <>
      of <RunLink run={parent} />, {checkpoint.step > 0 && checkpoint.epoch === 0 ? "imported" : checkpoint.step === 0 ? "untrained" : `epoch ${formatEpoch(checkpoint.epoch)}`}
    </>
  );
}

function Scores({ run }: { run: Run }) {
  return (
    <Group gap="md" wrap="nowrap">
      {scoresIn(run.summary)
        .slice(0, 2)
        .map(([name, value]) => (
          <Stack key={name} gap={0} align="flex-end">
            <Text fz={11} c="dimmed">
              {name}
            </Text>
            <Text fz="sm" fw={600} style={{ whiteSpace: "nowrap" }}>
              {formatScore(value)}
            </Text>
          </Stack>
        ))}
    </Group>
  );
}
