/** The keys, in one table. */
import { Group, Kbd, Modal, Stack, Text } from "@mantine/core";

import { PLACES } from "./rail";

const KEYS: readonly (readonly [readonly string[], string])[] = [
  [["Ctrl", "K"], "Go to a run, a page or a recipe"],
  [["/"], "Search on this page"],
  [["j"], "Next row of the table; Enter opens it"],
  [["k"], "Row before"],
  [["x"], "Select the row"],
  [["Shift", "click"], "Select a stretch of rows"],
  [["←", "→"], "Turn the page of queries in a retrieval"],
  ...PLACES.map(({ key, label }): [string[], string] => [["g", key], label]),
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
