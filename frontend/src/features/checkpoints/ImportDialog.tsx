/** A trunk from elsewhere: looked at first, name by name, and imported only when every name matches. */
import { Autocomplete, Button, Checkbox, Group, Modal, NumberInput, Select, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";

import { Refusal } from "@/api/client";
import { recipesQuery } from "@/api/queries";
import { ErrorBox } from "@/ui/ErrorBox";

import { MatchPanel } from "./MatchPanel";
import { importableQuery, type ImportQuestion, type ImportRequest, useImport, useInspect } from "./queries";
import { isOfVideos, keyOfTrunk, NAMINGS, TRUNKS } from "./trunks";

const FOUND_OUT = "Found out";
const CLIP = { num_frames: 8, clip_s: 2.56 };

export function ImportDialog({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  return (
    <Modal opened={isOpen} onClose={onClose} size="xl" title="Import a trunk" closeButtonProps={{ "aria-label": "Close" }}>
      {isOpen && <Importing onClose={onClose} />}
    </Modal>
  );
}

function Importing({ onClose }: { onClose: () => void }) {
  const [question, setQuestion] = useState<ImportQuestion>({ path: "", branch: "online" });
  const inspect = useInspect();
  const change = (patch: Partial<ImportQuestion>) => {
    setQuestion({ ...question, ...patch });
    inspect.reset();
  };
  const look = (event: FormEvent) => {
    event.preventDefault();
    inspect.mutate(question);
  };
  const seen = inspect.data;
  return (
    <Stack gap="md">
      <form onSubmit={look}>
        <Stack gap="sm">
          <FileField path={question.path} failure={inspect.error} onChange={(path) => change({ path })} />
          <Hints question={question} onChange={change} />
          <Group justify="flex-end">
            <Button type="submit" variant={seen ? "default" : "filled"} loading={inspect.isPending} disabled={!question.path.trim()}>
              Look at it
            </Button>
          </Group>
        </Stack>
      </form>
      {seen && <MatchPanel seen={seen} />}
      {seen?.match?.is_whole && <Taking key={seen.sha256} isOurs={seen.is_ours} question={{ ...question, trunk: seen.trunk, sha256: seen.sha256 }} onClose={onClose} />}
    </Stack>
  );
}

function FileField({ path, failure, onChange }: { path: string; failure: Error | null; onChange: (path: string) => void }) {
  const importable = useQuery(importableQuery);
  const { folder = "the imports folder", files = [] } = importable.data ?? {};
  const fields = failure instanceof Refusal ? failure.fields : {};
  return (
    <>
      <Autocomplete
        label="File"
        data-autofocus
        required
        maxLength={1024}
        description={`A checkpoint, a state dict or safetensors: in ${folder}, or under a data root.`}
        data={files.map((file) => file.path)}
        value={path}
        error={fields.path}
        onChange={onChange}
      />
      {failure && !fields.path && <ErrorBox error={failure} title="The file was not looked at" />}
    </>
  );
}

interface HintsProps {
  question: ImportQuestion;
  onChange: (patch: Partial<ImportQuestion>) => void;
}

/** What the file does not say by itself; all of it is found out when it is left open. */
function Hints({ question, onChange }: HintsProps) {
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
      <Select
        label="Trunk"
        size="xs"
        clearable
        placeholder={FOUND_OUT}
        data={TRUNKS.map(({ key, label }) => ({ value: key, label }))}
        value={question.trunk ? keyOfTrunk(question.trunk) : null}
        onChange={(key) => onChange({ trunk: TRUNKS.find((one) => one.key === key)?.trunk ?? null })}
      />
      <Select
        label="Names"
        size="xs"
        clearable
        placeholder={FOUND_OUT}
        data={Object.entries(NAMINGS).map(([value, label]) => ({ value, label }))}
        value={question.naming ?? null}
        onChange={(naming) => onChange({ naming: naming as ImportQuestion["naming"] })}
      />
      <Prefix prefix={question.prefix ?? null} onChange={(prefix) => onChange({ prefix })} />
      <Select
        label="Branch"
        size="xs"
        allowDeselect={false}
        data={[
          { value: "online", label: "Online" },
          { value: "momentum", label: "Momentum" },
        ]}
        value={question.branch}
        onChange={(branch) => onChange({ branch: branch === "momentum" ? "momentum" : "online" })}
      />
    </SimpleGrid>
  );
}

/** Null is found out; empty is what the released encoders have. */
function Prefix({ prefix, onChange }: { prefix: string | null; onChange: (prefix: string | null) => void }) {
  return (
    <Stack gap={6}>
      <TextInput
        label="Prefix"
        size="xs"
        maxLength={256}
        placeholder={prefix === "" ? "None" : FOUND_OUT}
        disabled={prefix === ""}
        value={prefix ?? ""}
        onChange={(event) => onChange(event.currentTarget.value || null)}
      />
      <Checkbox size="xs" label="Without prefix" checked={prefix === ""} onChange={(event) => onChange(event.currentTarget.checked ? "" : null)} />
    </Stack>
  );
}

/** What is said of it for good, once it is known to fit. */
function Taking({ question, isOurs, onClose }: { question: ImportQuestion & Pick<ImportRequest, "sha256">; isOurs: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const take = useImport();
  const recipes = useQuery(recipesQuery);
  const [said, setSaid] = useState({ name: "", experiment: "imported", recipe: "", origin: "", ...CLIP });
  const change = (patch: Partial<typeof said>) => setSaid({ ...said, ...patch });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const body: ImportRequest = { ...question, ...said, name: said.name.trim() || null };
    take.mutate(body, {
      onSuccess: ({ run }) => {
        onClose();
        void navigate({ to: "/runs/$runId", params: { runId: String(run.id) }, search: { tab: "checkpoints" } as never });
      },
    });
  };
  const fitting = (recipes.data ?? []).filter(({ definition }) => question.trunk && isTrunkOf(definition, keyOfTrunk(question.trunk)));
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="sm">
          <TextInput label="Name" size="xs" maxLength={128} placeholder="The file's" value={said.name} onChange={(event) => change({ name: event.currentTarget.value })} />
          <TextInput label="Experiment" size="xs" required maxLength={128} value={said.experiment} onChange={(event) => change({ experiment: event.currentTarget.value })} />
          <Select
            label="Recipe that trained it"
            size="xs"
            clearable
            searchable
            placeholder="Not known"
            data={fitting.map(({ name, title }) => ({ value: name, label: title }))}
            value={said.recipe || null}
            onChange={(recipe) => change({ recipe: recipe ?? "" })}
          />
        </SimpleGrid>
        {question.trunk && isOfVideos(question.trunk) && !isOurs && !said.recipe && <ClipFields said={said} onChange={change} />}
        <TextInput label="How it was trained, in your words" size="xs" maxLength={500} value={said.origin} onChange={(event) => change({ origin: event.currentTarget.value })} />
        <Text size="xs" c="dimmed">
          A named recipe gives the clips and colours that it knows, and the published row that it is held against.
        </Text>
        {take.error && <ErrorBox error={take.error} title="It was not imported" />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={take.isPending}>
            Import
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** A file from elsewhere does not say what it learned from: evaluations warn when they show it others. */
function ClipFields({ said, onChange }: { said: typeof CLIP; onChange: (patch: Partial<typeof CLIP>) => void }) {
  return (
    <SimpleGrid cols={2} spacing="sm">
      <NumberInput label="Frames of a clip" size="xs" required min={1} allowDecimal={false} value={said.num_frames} onChange={(to) => onChange({ num_frames: Number(to) })} />
      <NumberInput label="Clip, in seconds" size="xs" required min={0.01} step={0.1} value={said.clip_s} onChange={(to) => onChange({ clip_s: Number(to) })} />
    </SimpleGrid>
  );
}

function isTrunkOf(definition: Readonly<Record<string, unknown>>, key: string): boolean {
  const { kind, trunk } = definition;
  return kind === "pretrain" && typeof trunk === "object" && trunk !== null && keyOfTrunk(trunk as never) === key;
}
