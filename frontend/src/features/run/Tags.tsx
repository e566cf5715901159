/** A run's tags, and a field to change them. */
import { ActionIcon, Badge, Group, Popover, TagsInput, Text } from "@mantine/core";
import { IconTag } from "@tabler/icons-react";

export function Tags({ tags, onChange }: { tags: readonly string[]; onChange: (tags: string[]) => void }) {
  return (
    <Group gap={4}>
      {tags.map((tag) => (
        <Badge key={tag} variant="default" tt="none">
          {tag}
        </Badge>
      ))}
      <Popover width={280} trapFocus withArrow>
        <Popover.Target>
          <ActionIcon variant="subtle" color="gray" size="sm" aria-label="Edit tags">
            <IconTag size={16} />
          </ActionIcon>
        </Popover.Target>
        <Popover.Dropdown>
          <TagsInput
            label="Tags"
            description={<Text span size="xs">Enter adds one</Text>}
            value={[...tags]}
            maxTags={32}
            onChange={onChange}
            comboboxProps={{ withinPortal: false }}
          />
        </Popover.Dropdown>
      </Popover>
    </Group>
  );
}
