/** Settings: who one is, tokens, storage, how it looks, how to use the API. */
import { Anchor, Button, Group, SegmentedControl, SimpleGrid, Stack, Text, Title, useMantineColorScheme } from "@mantine/core";
import { IconLogout } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { experimentNamesQuery } from "@/api/queries";
import { useLogOut, useSession } from "@/api/session";
import { CopyButton } from "@/ui/CopyButton";
import { ErrorBox } from "@/ui/ErrorBox";
import { KeyValue } from "@/ui/KeyValue";
import { PageHeader } from "@/ui/PageHeader";
import { RowSkeletons } from "@/ui/Skeletons";

import { Limits } from "./Limits";
import { useCreateToken, useHealth, useLiftLimit, useLimits, useRevokeToken, useSetLimit, useStorage, useTokens } from "./queries";
import { StorageBars } from "./StorageBars";
import { Tokens } from "./Tokens";

export default function SettingsPage() {
  const tokens = useTokens();
  const storage = useStorage();
  const create = useCreateToken();
  const revoke = useRevokeToken();
  return (
    <>
      <PageHeader title="Settings" />
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        <Stack gap="md">
          <Card title="API tokens">
            {tokens.error && <ErrorBox error={tokens.error} onRetry={() => void tokens.refetch()} />}
            {tokens.isPending && <RowSkeletons count={3} />}
            {tokens.data && (
              <Tokens tokens={tokens.data} fresh={create.data} error={create.error} isBusy={create.isPending} onCreate={create.mutate} onForget={create.reset} onRevoke={revoke.mutate} />
            )}
          </Card>
          <Card title="Limits">
            <LimitsCard />
          </Card>
          <Card title="Use the API">
            <Curl />
          </Card>
        </Stack>
        <Stack gap="md">
          <Card title="You">
            <You />
          </Card>
          <Card title="Appearance">
            <Appearance />
          </Card>
          <Card title="Storage">
            {storage.error && <ErrorBox error={storage.error} onRetry={() => void storage.refetch()} />}
            {storage.isPending && <RowSkeletons count={4} />}
            {storage.data && <StorageBars storage={storage.data} />}
          </Card>
        </Stack>
      </SimpleGrid>
    </>
  );
}

function LimitsCard() {
  const limits = useLimits();
  const session = useSession();
  const experiments = useQuery(experimentNamesQuery);
  const set = useSetLimit();
  const lift = useLiftLimit();
  if (limits.error) return <ErrorBox error={limits.error} onRetry={() => void limits.refetch()} />;
  if (!limits.data) return <RowSkeletons count={2} />;
  return (
    <Limits
      known={limits.data}
      experiments={(experiments.data ?? []).map(({ name }) => name)}
      maySet={session.data?.user.role === "admin"}
      isBusy={set.isPending}
      error={set.error}
      onOpen={set.reset}
      onSet={(asked, onDone) => set.mutate(asked, { onSuccess: onDone })}
      onLift={lift.mutate}
    />
  );
}

function Card({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="card" style={{ padding: "14px 16px" }}>
      <Title order={2} fz="md" mb="xs">
        {title}
      </Title>
      {children}
    </section>
  );
}

function You() {
  const session = useSession();
  const health = useHealth();
  const logOut = useLogOut();
  return (
    <Stack gap="sm">
      <KeyValue
        pairs={[
          ["Name", session.data?.user.name ?? "–"],
          ["Role", session.data?.user.role ?? "–"],
          ["Server", session.data ? `SCE Lab ${session.data.version}` : "–"],
          ["Database", health.data?.database ?? "–"],
          ["Broker", health.data?.broker ?? "–"],
        ]}
      />
      <Group>
        <Button size="xs" variant="default" leftSection={<IconLogout size={14} aria-hidden />} loading={logOut.isPending} onClick={() => logOut.mutate()}>
          Log out
        </Button>
      </Group>
    </Stack>
  );
}

function Appearance() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <SegmentedControl
      fullWidth
      size="xs"
      aria-label="Colours"
      value={colorScheme}
      onChange={(value) => setColorScheme(value === "dark" || value === "light" ? value : "auto")}
      data={[
        { value: "auto", label: "As the system" },
        { value: "light", label: "Light" },
        { value: "dark", label: "Dark" },
      ]}
    />
  );
}

function Curl() {
  const text = `curl -s ${window.location.origin}/api/v1/runs \\\n  -H "Authorization: Bearer $SCELAB_TOKEN"`;
  return (
    <>
      <Text fz="sm" c="dimmed" mb="xs">
        Everything on these pages can be done by a script. The whole document is at <Anchor href="/api/openapi.json" fz="inherit" underline="always">/api/openapi.json</Anchor>.
      </Text>
      <Group wrap="nowrap" align="flex-start" gap="xs">
        {/* A scrolling region must be reachable by keyboard. */}
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <pre tabIndex={0} className="mono" style={{ margin: 0, flex: 1, overflowX: "auto", padding: 10, background: "var(--sunken)", borderRadius: 6 }}>
          {text}
        </pre>
        <CopyButton value={text} label="Copy the command" />
      </Group>
    </>
  );
}
