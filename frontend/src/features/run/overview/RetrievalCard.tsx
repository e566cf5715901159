/** The way to the clips of a retrieval. */
import { Button, Group, Text } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";

import type { Run } from "../queries";
import { Panel } from "./Panel";

export function RetrievalCard({ run }: { run: Run }) {
  const hasScores = Object.keys(run.summary).some((key) => key.startsWith("R@"));
  return (
    <Panel title="Neighbours">
      <Group justify="space-between">
        <Text size="sm">
          {hasScores
            ? "Every query beside whom it found, playing together."
            : "The neighbours can be watched when the retrieval has finished."}
        </Text>
        {hasScores && (
          <Button
            leftSection={<IconPlayerPlay size={16} aria-hidden />}
            renderRoot={(props) => <Link to="/retrieval/$runId" params={{ runId: String(run.id) }} {...props} />}
          >
            Watch the neighbours
          </Button>
        )}
      </Group>
    </Panel>
  );
}
