/** Where one is, what the page is called, what can be done there. */
import { Breadcrumbs, Group, Stack, Text, Title } from "@mantine/core";
import { Link, type LinkProps } from "@tanstack/react-router";
import type { ReactNode } from "react";

interface Crumb {
  label: string;
  to: LinkProps["to"];
}

interface PageHeaderProps {
  title: ReactNode;
  crumbs?: readonly Crumb[];
  /** One line under the title. */
  lead?: ReactNode;
  actions?: ReactNode;
}

export function PageHeader({ title, crumbs = [], lead, actions }: PageHeaderProps) {
  return (
    <Group justify="space-between" align="flex-end" mb="md" gap="sm">
      <Stack gap={2} style={{ minWidth: 0 }}>
        {crumbs.length > 0 && (
          <Breadcrumbs separator="/" separatorMargin={6} fz="xs" c="dimmed">
            {crumbs.map(({ label, to }) => (
              <Link key={label} to={to} className="plain">
                {label}
              </Link>
            ))}
          </Breadcrumbs>
        )}
        <Title order={1} fz={20} lh={1.3}>
          {title}
        </Title>
        {lead && (
          <Text c="dimmed" fz="sm">
            {lead}
          </Text>
        )}
      </Stack>
      {actions && <Group gap="xs">{actions}</Group>}
    </Group>
  );
}
