/** A profile: what an administrator says of a SLURM site. What is wrong is said at its field, in SLURM's words. */
import { Autocomplete, Button, Checkbox, Group, Modal, SimpleGrid, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { type FormEvent, useEffect, useRef, useState } from "react";

import { Refusal } from "@/api/client";
import { ErrorBox } from "@/ui/ErrorBox";

import { errorAt, type FieldName, NEW, requestOf, type Typed, typedOf } from "./profileForm";
import type { Profile, ProfileRequest, Site } from "./queries";

interface ProfileDialogProps {
  /** The profile that is changed; null makes a new one. */
  profile: Profile | null;
  sites: readonly Site[];
  isBusy: boolean;
  failure: Error | null;
  onClose: () => void;
  onSave: (asked: ProfileRequest) => void;
}

const FIELDS: readonly (readonly [FieldName, string, string])[] = [
  ["account", "Account", "Who is charged."],
  ["qos", "Quality of service", "Empty takes the site's default."],
  ["constraint", "Constraint", "Features of a node, as in a100&ib."],
  ["gres", "A device is called", "As in gpu or gpu:a100. Empty asks for no GPUs."],
  ["time_limit_min", "Time limit, minutes", "A run that takes longer is saved and submitted again."],
  ["warn_s", "Warning, seconds", "Before the limit it is asked to save."],
  ["cpus_per_device", "CPUs per process", "One process a device."],
  ["memory", "Memory per node", "With its unit, as in 64G."],
  ["max_jobs", "Jobs at a time", "Further runs wait in the lab's queue."],
  ["login", "Login host", "Commands go there by ssh. Empty runs them here."],
  ["python", "Python", "On compute nodes. Empty takes the worker's own."],
  ["container", "Container", "An Apptainer image. Empty uses none."],
];

export function ProfileDialog({ profile, sites, isBusy, failure, onClose, onSave }: ProfileDialogProps) {
  const [typed, setTyped] = useState<Typed>(() => (profile ? typedOf(profile) : NEW));
  const form = useRef<HTMLFormElement>(null);
  // The form is longer than a screen: what was refused is brought into sight.
  useEffect(() => {
    if (failure) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [failure]);
  const errors = failure instanceof Refusal ? failure.fields : {};
  const isAtField = Object.keys(NEW).some((field) => errorAt(errors, field as FieldName));
  const bind = (field: FieldName) => ({
    value: typed[field],
    error: errorAt(errors, field),
    onChange: (event: { currentTarget: { value: string } }) => {
      const { value } = event.currentTarget;
      setTyped((old) => ({ ...old, [field]: value }));
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSave(requestOf(typed));
  };
  const site = sites.find(({ login }) => login === typed.login);
  return (
    <Modal opened onClose={onClose} size="xl" title={profile ? `SLURM profile ${profile.name}` : "New SLURM profile"} closeButtonProps={{ "aria-label": "Close" }}>
      <form ref={form} onSubmit={submit}>
        <Stack gap="sm">
          <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
            <TextInput size="xs" label="Name" description="People choose it by this." required maxLength={64} data-autofocus {...bind("name")} />
            <Autocomplete
              size="xs"
              label="Partition"
              description={site ? "Those that SLURM has are offered." : "Empty takes the site's default."}
              data={site?.partitions.map(({ name }) => name) ?? []}
              value={typed.partition}
              error={errorAt(errors, "partition")}
              onChange={(partition) => setTyped((old) => ({ ...old, partition }))}
            />
          </SimpleGrid>
          <TextInput size="xs" label="Runs folder" description="The lab's runs folder, as compute nodes see it." required {...bind("runs_folder")} />
          <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
            {FIELDS.map(([field, label, description]) => (
              <TextInput key={field} size="xs" label={label} description={description} {...bind(field)} />
            ))}
            <Textarea size="xs" label="Modules" description="One a line, as in cuda/12.4." autosize minRows={2} {...bind("modules")} />
            <Textarea size="xs" label="Further options of sbatch" description="One a line, as in reservation=lab." autosize minRows={2} {...bind("extra")} />
            <Checkbox
              mt={6}
              size="xs"
              label="Several seeds as one array"
              description="Runs of one launch that ask for the same go out as one submission."
              checked={typed.arrays === "true"}
              onChange={({ currentTarget: { checked } }) => setTyped((old) => ({ ...old, arrays: String(checked) }))}
            />
            <TextInput size="xs" label="Of an array at a time" description="0 leaves it to SLURM." disabled={typed.arrays !== "true"} {...bind("array_limit")} />
          </SimpleGrid>
          <Textarea size="xs" label="Setup lines" description="Shell, before the trainer starts." autosize minRows={3} styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }} {...bind("setup")} />
          {failure && !isAtField && <ErrorBox error={failure} />}
          <Group justify="space-between">
            <Text fz="xs" c="dimmed">
              SLURM itself looks at it before it is kept.
            </Text>
            <Group gap="xs">
              <Button size="sm" variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button size="sm" type="submit" loading={isBusy}>
                Keep
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
