/** Splits with their sizes, and how many of each class they hold. */
import { Paper, SimpleGrid, Stack, Text, Title, UnstyledButton } from "@mantine/core";

import { formatElapsed } from "@/charts/format";
import { formatBytes } from "@/ui/format";

import type { DatasetDetail } from "./queries";
import classes from "./Splits.module.css";

export function SplitCards({ splits }: Pick<DatasetDetail, "splits">) {
  if (splits.length === 0) return null;
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, md: Math.min(4, Math.max(2, splits.length)) }}>
      {splits.map(({ name, num_items, num_unreadable, duration_s, bytes }) => (
        <Paper key={name} className="card" p="md" component="section" aria-label={`Split ${name}`}>
          <Text size="sm" c="dimmed">
            {name}
          </Text>
          <Text fz={26} fw={650} lh={1.2} className={classes.figures}>
            {num_items}
          </Text>
          <Text size="sm" c="dimmed">
            {duration_s > 0 && `${formatElapsed(duration_s)}, `}
            {formatBytes(bytes)}
            {num_unreadable > 0 && `, ${num_unreadable} unreadable`}
          </Text>
        </Paper>
      ))}
    </SimpleGrid>
  );
}

interface ClassTableProps {
  classes: DatasetDetail["classes"];
  splits: readonly string[];
  chosen: number | undefined;
  onChoose: (label: number | undefined) => void;
}

export function ClassTable({ classes: counts, splits, chosen, onChoose }: ClassTableProps) {
  const most = Math.max(1, ...counts.map(totalOf));
  return (
    <Paper className="card" p="md" component="section" aria-label="Classes">
      <Stack gap="xs">
        <Title order={2} size="h5">
          Classes
        </Title>
        <Text size="xs" c="dimmed">
          {splits.map((split, place) => (
            <span key={split} className={classes.key}>
              <span className={classes.dot} data-place={place % 4} />
              {split}
            </span>
          ))}
        </Text>
        <div className={classes.grid}>
          {counts.map((one) => (
            <UnstyledButton
              key={one.label}
              className={classes.bar}
              aria-pressed={chosen === one.label}
              aria-label={`${one.name}: ${totalOf(one)}. Show only its clips`}
              onClick={() => onChoose(chosen === one.label ? undefined : one.label)}
            >
              <span className={classes.name}>{one.name}</span>
              <span className={classes.track}>
                {splits.map((split, place) => (
                  <span
                    key={split}
                    className={classes.part}
                    data-place={place % 4}
                    style={{ width: `${((one.counts[split] ?? 0) / most) * 100}%` }}
                  />
                ))}
              </span>
              <span className={classes.value}>{splits.map((split) => one.counts[split] ?? 0).join(" + ")}</span>
            </UnstyledButton>
          ))}
        </div>
      </Stack>
    </Paper>
  );
}

function totalOf({ counts }: DatasetDetail["classes"][number]): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
