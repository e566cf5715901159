/** What people write about a run: plain text, kept by a button. */
import { Button, Group, Text, Textarea } from "@mantine/core";
import { useState } from "react";

import { type Run, useEditRun } from "../queries";
import { Panel } from "./Panel";

export function Notes({ run }: { run: Run }) {
  const [draft, setDraft] = useState<string | null>(null);
  const edit = useEditRun(run.id);
  if (draft === null) {
    return (
      <Panel title="Notes">
        {run.notes ? (
          <Text size="sm" style={{ whiteSpace: "pre-wrap" }}>
            {run.notes}
          </Text>
        ) : (
          <Text size="sm" c="dimmed">
            Nothing written yet.
          </Text>
        )}
        <Group>
          <Button size="compact-sm" variant="default" onClick={() => setDraft(run.notes)}>
            {run.notes ? "Edit" : "Write a note"}
          </Button>
        </Group>
      </Panel>
    );
  }
  const keep = () => edit.mutate({ notes: draft }, { onSuccess: () => setDraft(null) });
  return (
    <Panel title="Notes">
      <Textarea
        aria-label="Notes"
        autosize
        minRows={4}
        maxRows={16}
        maxLength={10_000}
        value={draft}
        onChange={(event) => setDraft(event.currentTarget.value)}
      />
      <Group gap="xs">
        <Button size="compact-sm" loading={edit.isPending} onClick={keep}>
          Keep
        </Button>
        <Button size="compact-sm" variant="default" onClick={() => setDraft(null)}>
          Cancel
        </Button>
      </Group>
    </Panel>
  );
}
