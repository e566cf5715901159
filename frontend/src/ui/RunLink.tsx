/** A run by its name, leading to its page. */
import { Anchor } from "@mantine/core";
import { Link } from "@tanstack/react-router";

interface RunLinkProps {
  run: { id: number; name: string };
  tab?: string;
  isStrong?: boolean;
}

export function RunLink({ run, tab, isStrong = false }: RunLinkProps) {
  return (
    <Anchor
      component={Link}
      to="/runs/$runId"
      params={{ runId: String(run.id) } as never}
      search={(tab ? { tab } : {}) as never}
      fz="inherit"
      fw={isStrong ? 580 : undefined}
      c={isStrong ? "var(--mantine-color-text)" : undefined}
      underline={isStrong ? "hover" : "always"}
      style={isStrong ? undefined : { textDecorationColor: "color-mix(in srgb, currentColor 35%, transparent)", textUnderlineOffset: 2 }}
    >
      {run.name}
    </Anchor>
  );
}
