/** What a run is called, where it is gathered, how often it is done. */
import { Autocomplete, Select, TagsInput, Textarea, TextInput } from "@mantine/core";

import { counted } from "@/ui/format";

import { type Draft, readSeeds } from "./draft";
import classes from "./Launch.module.css";

interface AboutFieldsProps {
  draft: Draft;
  errors: Readonly<Record<string, string>>;
  experiments: readonly string[];
  /** Names of SLURM profiles. */
  profiles: readonly string[];
  onChange: (patch: Partial<Draft>) => void;
  onSeeds: (text: string) => void;
}

const HERE = "here";

export function AboutFields({ draft, errors, experiments, profiles, onChange, onSeeds }: AboutFieldsProps) {
  const seeds = readSeeds(draft.seeds);
  const seedError = typeof seeds === "string" ? seeds : (errors.seeds ?? errors.seed);
  return (
    <section className={`card ${classes.section}`}>
      <h2>Run</h2>
      <div className={classes.two}>
        <TextInput id="field-name" size="xs" label="Name" placeholder="The server chooses one" error={errors.name} value={draft.name} onChange={(event) => onChange({ name: event.currentTarget.value })} />
        <Autocomplete id="field-experiment" size="xs" label="Experiment" data={[...experiments]} error={errors.experiment} value={draft.experiment} onChange={(experiment) => onChange({ experiment })} />
        <TextInput
          id="field-seeds"
          size="xs"
          label="Seeds"
          description={typeof seeds === "string" || seeds.length < 2 ? "One run for each: 42, 43, 44." : `${counted(seeds.length, "run")}, one for each seed.`}
          error={seedError}
          value={draft.seeds}
          onChange={(event) => onSeeds(event.currentTarget.value)}
        />
        <TagsInput id="field-tags" size="xs" label="Tags" description="Enter ends a tag." error={errors.tags} value={draft.tags} onChange={(tags) => onChange({ tags })} />
      </div>
      <Select
        id="field-slurm"
        size="xs"
        mt="xs"
        label="Where"
        description={profiles.length === 0 ? "An administrator adds SLURM profiles on the Hosts page." : undefined}
        allowDeselect={false}
        data={[{ value: HERE, label: "This lab's hosts" }, ...profiles.map((name) => ({ value: `slurm ${name}`, label: `SLURM: ${name}` }))]}
        error={errors.slurm}
        value={draft.slurm === null ? HERE : `slurm ${draft.slurm}`}
        onChange={(chosen) => onChange({ slurm: chosen === null || chosen === HERE ? null : chosen.slice("slurm ".length) })}
      />
      <Textarea size="xs" mt="xs" mb={6} label="Notes" autosize minRows={1} value={draft.notes} onChange={(event) => onChange({ notes: event.currentTarget.value })} />
    </section>
  );
}
