/** A launch being written: the form, what it would do, and the buttons that do it. */
import { SegmentedControl } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useCallback, useMemo, useState } from "react";

import { Refusal } from "@/api/client";

import { ViewsPanel } from "@/features/views/ViewsPanel";

import { AboutFields } from "./AboutFields";
import { CheckpointPicker } from "./CheckpointPicker";
import { type Draft, readSeeds, requestOf, withDefinition, withSeeds } from "./draft";
import { FormContext } from "./form/FormContext";
import { type Json, type JsonObject, type Schema, withValue } from "./form/schema";
import { SchemaField } from "./form/SchemaField";
import classes from "./Launch.module.css";
import { LaunchBar } from "./LaunchBar";
import { PreviewPanel } from "./PreviewPanel";
import { SbatchPanel } from "./SbatchPanel";
import { type Checkpoint, type LaunchRequest, type Preview } from "./queries";
import { sectionsOf } from "./sections";
import { YamlPanel } from "./YamlPanel";

export interface Previewed {
  data: Preview | undefined;
  error: Error | null;
}

interface LaunchFormProps {
  schema: Schema;
  initial: Draft;
  base: JsonObject;
  baseWord: string;
  roots: readonly { root: string; name: string; kind: string }[];
  labels: readonly string[];
  checkpoints: readonly Checkpoint[];
  experiments: readonly string[];
  profiles: readonly string[];
  /** Asks the server what the request would do. */
  usePreviewOf: (request: LaunchRequest) => Previewed;
  isBusy: boolean;
  refusal: Error | null;
  onLaunch: (request: LaunchRequest) => void;
}

const NO_FIELDS: Readonly<Record<string, string>> = {};

export function LaunchForm({ schema, initial, base, baseWord, usePreviewOf, refusal, ...props }: LaunchFormProps) {
  const [draft, setDraft] = useState(initial);
  const [shown, setShown] = useState("numbers");
  const side = shown === "sbatch" && draft.slurm === null ? "numbers" : shown;
  const [asked] = useDebouncedValue(draft, 300);
  const preview = usePreviewOf(useMemo(() => requestOf(asked, false), [asked]));
  const numbers = useLastKnown(preview.data);
  const [sent, setSent] = useState<Draft | null>(null);
  // A refusal speaks of what was asked then: the next keystroke makes it old.
  const error = (asked === draft ? preview.error : null) ?? (sent === draft ? refusal : null);
  const errors = error instanceof Refusal ? error.fields : NO_FIELDS;
  const patch = useCallback((changes: Partial<Draft>) => setDraft((old) => ({ ...old, ...changes })), []);
  const onChange = useCallback(
    (path: readonly string[], value: Json) => setDraft((old) => ({ ...old, definition: withValue(old.definition, path, value) as JsonObject })),
    [],
  );
  const { roots, labels } = props;
  const form = useMemo(() => ({ root: schema, base, baseWord, errors, roots, labels, onChange }), [schema, base, baseWord, errors, roots, labels, onChange]);
  const seeds = readSeeds(draft.seeds);
  const launch = (isDraft: boolean) => {
    setSent(draft);
    props.onLaunch(requestOf(draft, isDraft));
  };
  return (
    <FormContext.Provider value={form}>
      <div className={classes.columns}>
        <div>
          <AboutFields draft={draft} errors={errors} experiments={props.experiments} profiles={props.profiles} onChange={patch} onSeeds={(text) => setDraft((old) => withSeeds(old, text))} />
          {draft.definition.kind === "evaluation" && (
            <CheckpointPicker checkpoints={props.checkpoints} chosen={draft.checkpointId} error={errors.checkpoint ?? errors["checkpoint.path"] ?? errors.checkpoint_id} onChoose={(checkpointId) => patch({ checkpointId })} />
          )}
          {sectionsOf(schema, draft.definition).map(({ title, parts }) => (
            <section key={title} aria-label={title} className={`card ${classes.section}`}>
              {parts.length > 1 && <h2>{title}</h2>}
              {parts.map(([name, part]) => (
                <SchemaField key={name} schema={part} path={[name]} value={draft.definition[name] ?? null} />
              ))}
            </section>
          ))}
        </div>
        <aside className={classes.side} aria-label="What the launch would do">
          <SegmentedControl
            size="xs"
            fullWidth
            mb="sm"
            value={side}
            onChange={setShown}
            data={[
              { value: "numbers", label: "What it would do" },
              { value: "yaml", label: "YAML" },
              { value: "views", label: "Views" },
              ...(draft.slurm === null ? [] : [{ value: "sbatch", label: "sbatch" }]),
            ]}
          />
          {side === "sbatch" && <SbatchPanel text={numbers?.sbatch ?? null} />}
          {side === "yaml" && (
            <YamlPanel definition={draft.definition} onChange={(definition) => setDraft((old) => withDefinition(old, definition))} />
          )}
          {side === "views" && <ViewsPanel source={{ definition: draft.definition }} seed={typeof seeds === "string" ? 42 : (seeds[0] ?? 42)} isEager={false} columns={1} />}
          {side === "numbers" && (
            <PreviewPanel preview={numbers} isOld={preview.error !== null} runs={typeof seeds === "string" ? 1 : seeds.length} />
          )}
        </aside>
      </div>
      <LaunchBar error={error} errors={errors} seeds={seeds} isBusy={props.isBusy} onLaunch={launch} />
    </FormContext.Provider>
  );
}

/** The latest answer there was: a fault in a field leaves the numbers of the state before it. */
function useLastKnown<T>(value: T | undefined): T | undefined {
  const [known, setKnown] = useState(value);
  if (value !== undefined && value !== known) setKnown(value);
  return value ?? known;
}
