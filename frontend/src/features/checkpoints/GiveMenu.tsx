/** A trunk for other code bases: its weights under their names, and its card. */
import { ActionIcon, Menu, Tooltip } from "@mantine/core";
import { IconFileText, IconPackageExport } from "@tabler/icons-react";

import type { Checkpoint } from "./queries";

const LAYOUTS = {
  safetensors: "safetensors",
  torchvision: "torchvision",
  pytorchvideo: "pytorchvideo",
  slowfast: "SlowFast",
  detectron2: "Detectron2",
} satisfies Record<Checkpoint["layouts"][number], string>;

export function GiveMenu({ checkpoint: { id, layouts }, name }: { checkpoint: Checkpoint; name: string }) {
  if (layouts.length === 0) return null;
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Tooltip label="Export the trunk">
          <ActionIcon size="sm" variant="subtle" color="gray" aria-label={`Export: ${name}`}>
            <IconPackageExport size={15} />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Trunk under the names of</Menu.Label>
        {layouts.map((layout) => (
          <Menu.Item key={layout} component="a" href={`/api/v1/checkpoints/${id}/export?layout=${layout}`} download>
            {LAYOUTS[layout]}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Label>Card</Menu.Label>
        <Menu.Item component="a" href={`/api/v1/checkpoints/${id}/card.md`} download leftSection={<IconFileText size={14} aria-hidden />}>
          Markdown
        </Menu.Item>
        <Menu.Item component="a" href={`/api/v1/checkpoints/${id}/card`} target="_blank" leftSection={<IconFileText size={14} aria-hidden />}>
          JSON
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
