/** A title that becomes a field when it is clicked; Enter keeps, Escape leaves. */
import { ActionIcon, Group, TextInput, Title, Tooltip } from "@mantine/core";
import { IconPencil } from "@tabler/icons-react";
import { useState } from "react";

interface EditableNameProps {
  name: string;
  isBusy: boolean;
  onRename: (name: string) => void;
}

export function EditableName({ name, isBusy, onRename }: EditableNameProps) {
  const [draft, setDraft] = useState<string | null>(null);
  const keep = () => {
    const wanted = draft?.trim();
    if (wanted && wanted !== name) onRename(wanted);
    setDraft(null);
  };
  if (draft !== null) {
    return (
      <TextInput
        aria-label="Name of the run"
        data-autofocus
        ref={(field) => field?.focus()}
        value={draft}
        maxLength={128}
        onChange={(event) => setDraft(event.currentTarget.value)}
        onBlur={keep}
        onKeyDown={(event) => {
          if (event.key === "Enter") keep();
          if (event.key === "Escape") setDraft(null);
        }}
      />
    );
  }
  return (
    <Group gap={4} wrap="nowrap" style={{ minWidth: 0 }}>
      <Title order={1} fz={20} lh={1.3} lineClamp={2}>
        {name}
      </Title>
      <Tooltip label="Rename">
        <ActionIcon variant="subtle" color="gray" aria-label="Rename the run" disabled={isBusy} onClick={() => setDraft(name)}>
          <IconPencil size={16} />
        </ActionIcon>
      </Tooltip>
    </Group>
  );
}
