/** A number for how urgent a run is. */
import { Button, Modal, NumberInput, Stack, Text } from "@mantine/core";
import { type FormEvent, useState } from "react";

import type { Waiting } from "./queries";

interface PriorityDialogProps {
  row: Waiting;
  isBusy: boolean;
  onSet: (priority: number) => void;
  onClose: () => void;
}

export function PriorityDialog({ row, isBusy, onSet, onClose }: PriorityDialogProps) {
  const [priority, setPriority] = useState<number | string>(row.run.priority);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typeof priority === "number") onSet(priority);
  };
  return (
    <Modal opened onClose={onClose} title={<Text fw={620}>{`Priority of ${row.run.name}`}</Text>}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <NumberInput label="Priority" description="From -100 to 100. The higher starts first; among equals, the earlier." min={-100} max={100} allowDecimal={false} data-autofocus value={priority} onChange={setPriority} />
          <Button type="submit" loading={isBusy} disabled={typeof priority !== "number"}>
            Set
          </Button>
        </Stack>
      </form>
    </Modal>
  );
}
