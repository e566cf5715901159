/** Make a data set of what was downloaded by hand; what is wrong is said at its field. */
import { Button, Group, Modal, NumberInput, SegmentedControl, Select, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";

import { Refusal } from "@/api/client";
import { ErrorBox } from "@/ui/ErrorBox";

import { Downloads } from "./Downloads";
import { HOW, mayConvert, withSet } from "./preparing";
import type { KnownSet, PreparationRequest } from "./queries";

interface PrepareDialogProps {
  isOpen: boolean;
  isBusy: boolean;
  failure: Error | null;
  catalogue: readonly KnownSet[];
  onClose: () => void;
  onPrepare: (asked: PreparationRequest) => void;
}

const EMPTY: PreparationRequest = { set_name: "", name: "", source: "", target: "", how: "link" };

export function PrepareDialog({ isOpen, isBusy, failure, catalogue, onClose, onPrepare }: PrepareDialogProps) {
  const [asked, setAsked] = useState(EMPTY);
  const change = (patch: Partial<PreparationRequest>) => setAsked({ ...asked, ...patch });
  const fields = failure instanceof Refusal ? failure.fields : {};
  const known = catalogue.find(({ name }) => name === asked.set_name);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onPrepare(asked);
  };
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      size="lg"
      title="Prepare a data set"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Select
            label="Data set"
            placeholder="Choose one"
            data={catalogue.map(({ name, title }) => ({ value: name, label: title }))}
            value={asked.set_name || null}
            onChange={(name) => setAsked(withSet(asked, catalogue, name))}
            searchable
            required
            error={fields.set_name}
          />
          {known && <Downloads known={known} />}
          {known && <Folders asked={asked} fields={fields} known={known} change={change} />}
          {known && mayConvert(known) && <Conversion asked={asked} fields={fields} change={change} />}
          {failure && Object.keys(fields).length === 0 && <ErrorBox error={failure} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={isBusy} disabled={!known}>
              Prepare
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

interface PartProps {
  asked: PreparationRequest;
  fields: Record<string, string>;
  change: (patch: Partial<PreparationRequest>) => void;
}

function Folders({ asked, fields, known, change }: PartProps & { known: KnownSet }) {
  return (
    <>
      <TextInput
        label="Folder of what was downloaded"
        description="Absolute, or relative to a data root."
        required
        maxLength={1024}
        value={asked.source}
        error={fields.source}
        onChange={(event) => change({ source: event.currentTarget.value })}
      />
      <TextInput
        label="New folder"
        description={
          known.is_binary
            ? "The pictures are written there, one file each."
            : "Empty: the folder is checked and indexed where it lies. Files that are left as they are take no space twice."
        }
        required={known.is_binary || asked.how !== "link"}
        maxLength={1024}
        value={asked.target}
        error={fields.target}
        onChange={(event) => change({ target: event.currentTarget.value })}
      />
      <TextInput
        label="Name of the data set"
        required
        maxLength={128}
        value={asked.name}
        error={fields.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
      />
    </>
  );
}

function Conversion({ asked, fields, change }: PartProps) {
  return (
    <>
      <Stack gap={4}>
        <Text size="sm" fw={500}>
          What is made of each video
        </Text>
        <SegmentedControl
          aria-label="What is made of each video"
          data={HOW}
          value={asked.how}
          onChange={(value) => change({ how: HOW.find((one) => one.value === value)?.value ?? "link" })}
        />
        {fields.how && (
          <Text size="xs" c="red">
            {fields.how}
          </Text>
        )}
      </Stack>
      {asked.how !== "link" && (
        <Group grow align="flex-start">
          <NumberInput
            label="Short side, pixels"
            description="Empty keeps the size; nothing is enlarged."
            min={16}
            max={4096}
            allowDecimal={false}
            value={asked.short_side ?? ""}
            error={fields.short_side}
            onChange={(value) => change({ short_side: value === "" ? null : Number(value) })}
          />
          <NumberInput
            label="Frames per second"
            description="Empty keeps the rate; frames need one."
            min={1}
            max={1000}
            value={asked.fps ?? ""}
            error={fields.fps}
            onChange={(value) => change({ fps: value === "" ? null : Number(value) })}
          />
        </Group>
      )}
    </>
  );
}
