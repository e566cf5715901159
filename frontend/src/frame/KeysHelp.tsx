/** The keys, in one table. */
import { Group, Kbd, Modal, Stack, Text } from "@mantine/core";

const KEYS: readonly (readonly [string[], string])[] = [
  [["Ctrl", "K"], "Go to a run, a page or a recipe"],
  [["/"], "Search on this page"],
  [["g", "h"], "Home"],
  [["g", "e"], "Experiments"],
  [["g", "r"], "Runs"],
  [["g", "l"], "Launch"],
  [["g", "c"], "Checkpoints"],
  [["g", "d"], "Data sets"],
  [["g", "s"], "Settings"],
  [["Shift", "click"], "Select a stretch of rows"],
  [["?"], "These keys"],
];

export function KeysHelp({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  return (
    <Modal opened={isOpen} onClose={onClose} title={<Text fw={620}>Keys</Text>} size="sm">
      <Stack gap={8}>
        {KEYS.map(([keys, words]) => (
          <Group key={words} justify="space-between">
            <Text fz="sm">{words}</Text>
            <Group gap={4}>
              {keys.map((key) => (
                <Kbd key={key} size="sm">
                  {key}
                </Kbd>
              ))}
            </Group>
          </Group>
        ))}
      </Stack>
    </Modal>
  );
}
