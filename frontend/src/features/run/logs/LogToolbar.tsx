/** Search with its hits, follow, copy. */
import { ActionIcon, Button, Group, Switch, Text, TextInput, Tooltip } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconArrowDown, IconArrowUp, IconCheck, IconCopy, IconDownload, IconSearch } from "@tabler/icons-react";
import { useState } from "react";

import { counted } from "@/ui/format";

interface LogToolbarProps {
  total: number;
  text: string;
  hits: readonly number[];
  line: number | null;
  isFollowing: boolean;
  onText: (text: string) => void;
  onHit: (direction: 1 | -1) => void;
  onFollow: (isFollowing: boolean) => void;
  onCopy: () => Promise<void>;
  downloadUrl: string;
}

export function LogToolbar(props: LogToolbarProps) {
  const { total, text, hits, line, isFollowing, onText, onHit, onFollow, onCopy, downloadUrl } = props;
  const [draft, setDraft] = useState(text);
  const [isCopied, setCopied] = useState(false);
  const tell = useDebouncedCallback(onText, 250);
  return (
    <Group gap="sm">
      <TextInput
        aria-label="Search the log"
        placeholder="Search the log"
        size="xs"
        w={240}
        leftSection={<IconSearch size={14} aria-hidden />}
        value={draft}
        onChange={(event) => {
          setDraft(event.currentTarget.value);
          tell(event.currentTarget.value);
        }}
        onKeyDown={(event) => event.key === "Enter" && onHit(event.shiftKey ? -1 : 1)}
      />
      {text && (
        <Group gap={4}>
          <Text size="xs" role="status">
            {hitWords(hits, line)}
          </Text>
          <Step label="Previous hit" onClick={() => onHit(-1)} isDisabled={hits.length === 0} icon={<IconArrowUp size={14} />} />
          <Step label="Next hit" onClick={() => onHit(1)} isDisabled={hits.length === 0} icon={<IconArrowDown size={14} />} />
        </Group>
      )}
      <Switch size="xs" label="Follow" checked={isFollowing} onChange={(event) => onFollow(event.currentTarget.checked)} />
      <Text size="xs" c="dimmed" ml="auto">
        {counted(total, "line")}
      </Text>
      <Button component="a" href={downloadUrl} download size="compact-xs" variant="default" leftSection={<IconDownload size={14} />}>
        Download
      </Button>
      <Button
        size="compact-xs"
        variant="default"
        leftSection={isCopied ? <IconCheck size={14} /> : <IconCopy size={14} />}
        onClick={() => void onCopy().then(() => setCopied(true))}
      >
        {isCopied ? "Copied" : "Copy"}
      </Button>
    </Group>
  );
}

interface StepProps {
  label: string;
  icon: React.ReactNode;
  isDisabled: boolean;
  onClick: () => void;
}

function Step({ label, icon, isDisabled, onClick }: StepProps) {
  return (
    <Tooltip label={label}>
      <ActionIcon size="sm" variant="default" aria-label={label} disabled={isDisabled} onClick={onClick}>
        {icon}
      </ActionIcon>
    </Tooltip>
  );
}

function hitWords(hits: readonly number[], line: number | null): string {
  if (hits.length === 0) return "No hits";
  const place = line === null ? -1 : hits.indexOf(line);
  const count = counted(hits.length, "hit");
  return place < 0 ? count : `${place + 1} of ${count}`;
}
