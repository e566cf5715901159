/** Filters that came by a link, each of which can be taken off. */
import { CloseButton, Group } from "@mantine/core";

import classes from "./Runs.module.css";
import type { RunsSearch } from "./search";

const NAMES = { parent: "evaluations of run", seeds: "seed group", tag: "tag" } as const;

export function Chips({ search, onChange }: { search: RunsSearch; onChange: (patch: Partial<RunsSearch>) => void }) {
  const given = (Object.keys(NAMES) as (keyof typeof NAMES)[]).filter((key) => search[key] !== undefined);
  if (given.length === 0) return null;
  return (
    <Group gap={6} mb="sm">
      {given.map((key) => (
        <span key={key} className={classes.chip}>
          {NAMES[key]} <b>{search[key]}</b>
          <CloseButton size="xs" aria-label={`Take off the filter ${NAMES[key]}`} onClick={() => onChange({ [key]: undefined })} />
        </span>
      ))}
    </Group>
  );
}
