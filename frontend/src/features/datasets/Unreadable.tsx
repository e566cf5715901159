/** Files that are left out of every run, each with its reason. */
import { Paper, Text, Title } from "@mantine/core";

import { BadFiles } from "./BadFiles";
import type { Item } from "./queries";

export function Unreadable({ items, total }: { items: readonly Item[]; total: number }) {
  return (
    <Paper className="card" p="md" component="section" aria-label="Unreadable files">
      <Title order={2} size="h5">
        Unreadable files
      </Title>
      <Text size="xs" c="dimmed" mb="xs">
        They are in no run and nothing is put in their place.
        {total > items.length && ` The first ${items.length} of ${total}.`}
      </Text>
      <BadFiles files={items.map(({ path, split, unreadable }) => ({ path, split, reason: unreadable }))} />
    </Paper>
  );
}
