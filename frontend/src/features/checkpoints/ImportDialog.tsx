/** A trunk from elsewhere: looked at first, name by name, and imported only when every name matches. */
import { Autocomplete, Button, Group, Modal, Select, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";

import { Refusal } from "@/api/client";
import { ErrorBox } from "@/ui/ErrorBox";

import { MatchPanel } from "./MatchPanel";
import { importableQuery, type ImportQuestion, type ImportRequest, recipesQuery, useImport, useInspect } from "./queries";
import { keyOfTrunk, NAMINGS, TRUNKS } from "./trunks";

const FOUND_OUT = "Found out";

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
      {seen?.match?.is_whole && <Taking key={seen.sha256} question={{ ...question, trunk: seen.trunk, sha256: seen.sha256 }} onClose={onClose} />}
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
      <TextInput label="Prefix" size="xs" placeholder={FOUND_OUT} value={question.prefix ?? ""} onChange={(event) => onChange({ prefix: event.currentTarget.value || null })} />
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

/** What is said of it for good, once it is known to fit. */
function Taking({ question, onClose }: { question: Omit<ImportRequest, "experiment" | "origin" | "recipe" | "num_frames" | "clip_s">; onClose: () => void }) {
  const navigate = useNavigate();
  const take = useImport();
  const recipes = useQuery(recipesQuery);
  const [said, setSaid] = useState({ name: "", experiment: "imported", recipe: "", origin: "" });
  const change = (patch: Partial<typeof said>) => setSaid({ ...said, ...patch });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const body: ImportRequest = { ...question, ...said, name: said.name.trim() || null, num_frames: 8, clip_s: 2.56 };
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

function isTrunkOf(definition: Readonly<Record<string, unknown>>, key: string): boolean {
  const { kind, trunk } = definition;
  return kind === "pretrain" && typeof trunk === "object" && trunk !== null && keyOfTrunk(trunk as never) === key;
}
