/** One query beside whom it found. */
import { Group, Paper, Text } from "@mantine/core";

import classes from "./ClipCard.module.css";
import { NeighbourCard, QueryCard } from "./ClipCard";
import type { Turnover } from "./neighbours";
import type { Query } from "./queries";

export function QueryRow({ query, change }: { query: Query; change: Turnover | null }) {
  return (
    <Paper className="card" p="sm" component="section" aria-label={`Query ${query.position}`}>
      <div className={classes.row}>
        <QueryCard clip={query.query}>
          <span>{firstRightWords(query)}</span>
        </QueryCard>
        <div>
          <div className={classes.neighbours}>
            {query.neighbours.map((neighbour) => (
              <NeighbourCard
                key={neighbour.clip.item_id}
                neighbour={neighbour}
                isNew={change?.arrived.has(neighbour.clip.item_id) ?? false}
              />
            ))}
          </div>
          {change && <ChangeWords change={change} />}
        </div>
      </div>
    </Paper>
  );
}

function firstRightWords({ first_correct_rank, neighbours }: Query): string {
  if (first_correct_rank === null) return "No clip of its class found";
  const isBeyond = first_correct_rank > neighbours.length;
  return `First right at rank ${first_correct_rank}${isBeyond ? ", not shown" : ""}`;
}

function ChangeWords({ change }: { change: Turnover }) {
  const gone = change.left.map(({ clip, is_correct }) => `${clip.class_name ?? clip.name}${is_correct ? " ✓" : " ✗"}`);
  return (
    <Group gap={4} mt={6}>
      <Text size="xs" c="dimmed">
        {change.arrived.size === 0
          ? "The same neighbours as at the checkpoint before."
          : `${change.arrived.size} new since the checkpoint before; gone: ${gone.join(", ")}.`}
      </Text>
    </Group>
  );
}
