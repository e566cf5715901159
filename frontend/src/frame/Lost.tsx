/** An address that leads nowhere, and a page that broke. */
import { Anchor, Button } from "@mantine/core";
import { IconMapOff, IconZoomExclamation } from "@tabler/icons-react";
import { type ErrorComponentProps, Link } from "@tanstack/react-router";

import { EmptyState } from "@/ui/EmptyState";

export function NoSuchPage() {
  return (
    <EmptyState icon={IconMapOff} title="There is no page at this address">
      <Anchor component={Link} to="/" fz="sm">
        Go home
      </Anchor>
    </EmptyState>
  );
}

export function CrashPage({ error, reset }: ErrorComponentProps) {
  return (
    <EmptyState
      icon={IconZoomExclamation}
      title="This page broke"
      action={
        <Button variant="default" onClick={reset}>
          Draw it again
        </Button>
      }
    >
      {error instanceof Error ? error.message : String(error)}
    </EmptyState>
  );
}
