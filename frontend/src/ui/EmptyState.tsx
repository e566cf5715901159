/** Nothing here yet: why, and what to do next. */
import { Stack, Text } from "@mantine/core";
import type { TablerIcon } from "@tabler/icons-react";
import type { ReactNode } from "react";

interface EmptyStateProps {
  icon: TablerIcon;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

export function EmptyState({ icon: Icon, title, children, action }: EmptyStateProps) {
  return (
    <Stack align="center" gap={6} py={40} px="md" ta="center">
      <Icon size={32} stroke={1.3} aria-hidden color="var(--mantine-color-dimmed)" />
      <Text fw={600} fz="md">
        {title}
      </Text>
      {children && (
        <Text c="dimmed" fz="sm" maw={480} component="div">
          {children}
        </Text>
      )}
      {action && <div style={{ marginTop: 10 }}>{action}</div>}
    </Stack>
  );
}
