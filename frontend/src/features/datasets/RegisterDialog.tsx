/** Name a folder; what is wrong is said at its field. */
import { Button, Group, Modal, SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";

import { Refusal } from "@/api/client";
import { ErrorBox } from "@/ui/ErrorBox";

import type { DatasetRequest } from "./queries";

interface RegisterDialogProps {
  isOpen: boolean;
  isBusy: boolean;
  failure: Error | null;
  onClose: () => void;
  onRegister: (asked: DatasetRequest) => void;
}

export function RegisterDialog({ isOpen, isBusy, failure, onClose, onRegister }: RegisterDialogProps) {
  const [asked, setAsked] = useState<DatasetRequest>({ name: "", root: "", kind: "video" });
  const change = (patch: Partial<DatasetRequest>) => setAsked({ ...asked, ...patch });
  const fields = failure instanceof Refusal ? failure.fields : {};
  const isAtField = "name" in fields || "root" in fields;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onRegister(asked);
  };
  return (
    <Modal opened={isOpen} onClose={onClose} title="Register a folder" closeButtonProps={{ "aria-label": "Close" }}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput
            label="Name"
            data-autofocus
            required
            maxLength={128}
            value={asked.name}
            error={fields.name}
            onChange={(event) => change({ name: event.currentTarget.value })}
          />
          <TextInput
            label="Folder"
            description="Absolute, or relative to a data root. One folder per split, one per class in it; or a list file per split."
            required
            maxLength={1024}
            value={asked.root}
            error={fields.root}
            onChange={(event) => change({ root: event.currentTarget.value })}
          />
          <Stack gap={4}>
            <Text size="sm" fw={500}>
              What it holds
            </Text>
            <SegmentedControl
              aria-label="What it holds"
              data={[
                { value: "video", label: "Videos" },
                { value: "image", label: "Images" },
              ]}
              value={asked.kind}
              onChange={(kind) => change({ kind: kind === "image" ? "image" : "video" })}
            />
          </Stack>
          {failure && !isAtField && <ErrorBox error={failure} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={isBusy}>
              Register and index
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
