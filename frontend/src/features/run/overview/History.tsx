/** Who did what, newest first. */
import { Button, Group, Stack, Text } from "@mantine/core";
import { useState } from "react";

import { When } from "@/ui/When";

import type { Run } from "../queries";
import { Panel } from "./Panel";

const FIRST = 8;

export function History({ deeds }: { deeds: Run["deeds"] }) {
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? deeds : deeds.slice(0, FIRST);
  return (
    <Panel title="History">
      <Stack gap={6}>
        {shown.map((deed) => (
          <Group key={deed.at + deed.verb} justify="space-between" wrap="nowrap" gap="xs">
            <Text size="sm" truncate>
              {deed.verb.replaceAll("_", " ")}
              {deed.user && (
                <Text span size="sm" c="dimmed">
                  {" "}
                  by {deed.user}
                </Text>
              )}
            </Text>
            <Text size="xs" c="dimmed" style={{ whiteSpace: "nowrap" }}>
              <When at={deed.at} />
            </Text>
          </Group>
        ))}
        {deeds.length > FIRST && !isWhole && (
          <Button size="compact-xs" variant="subtle" onClick={() => setWhole(true)}>
            Show all {deeds.length}
          </Button>
        )}
      </Stack>
    </Panel>
  );
}
