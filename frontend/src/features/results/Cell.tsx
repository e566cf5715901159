/** One measured cell: mean and deviation, what it is made of, and how it stands to the published number. */
import { Group, HoverCard, List, Stack, Text, UnstyledButton } from "@mantine/core";
import { Link } from "@tanstack/react-router";

import { countWords, differenceWords, meanWords } from "./cells";
import type { Measured } from "./queries";
import classes from "./Results.module.css";

export function Cell({ cell, against }: { cell: Measured | null | undefined; against?: string | null | undefined }) {
  if (!cell) return <Text c="dimmed">–</Text>;
  const mean = meanWords(cell);
  return (
    <HoverCard width={340} shadow="md" position="top" openDelay={80}>
      <HoverCard.Target>
        <UnstyledButton className={classes.cell} aria-label={`${mean ?? "No number yet"}: what it is made of`}>
          <Group gap={4} justify="flex-end" wrap="nowrap">
            <Text fz="inherit" fw={620} style={{ whiteSpace: "nowrap" }}>
              {mean ?? "–"}
              {cell.reasons.length > 0 && <span className={classes.star}>*</span>}
            </Text>
            {cell.difference != null && <Text fz={11} className={classes.difference}>{differenceWords(cell.difference)}</Text>}
          </Group>
          <Text fz={11} c={cell.failed > 0 ? "var(--mantine-color-error)" : "dimmed"} style={{ whiteSpace: "nowrap" }}>
            {countWords(cell)}
          </Text>
        </UnstyledButton>
      </HoverCard.Target>
      <HoverCard.Dropdown>
        <About cell={cell} against={against} />
      </HoverCard.Dropdown>
    </HoverCard>
  );
}

function About({ cell, against }: { cell: Measured; against: string | null | undefined }) {
  return (
    <Stack gap={6}>
      {against && (
        <Text fz={12} fw={600}>
          Held against {against}
        </Text>
      )}
      {cell.reasons.length > 0 && (
        <List fz={12} spacing={2}>
          {cell.reasons.map((reason) => (
            <List.Item key={reason}>{reason}</List.Item>
          ))}
        </List>
      )}
      {against && cell.reasons.length === 0 && <Text fz={12}>The protocols agree in all that the source says.</Text>}
      <Text fz={12} c="dimmed">
        Evaluations:{" "}
        {cell.run_ids.length === 0 && "none that finished"}
        {cell.run_ids.map((id) => (
          <Link key={id} to="/runs/$runId" params={{ runId: String(id) }} className={classes.run}>
            {`run ${id}`}
          </Link>
        ))}
      </Text>
    </Stack>
  );
}
