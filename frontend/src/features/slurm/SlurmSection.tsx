/** SLURM on the Hosts page: whether it answers, what it has, and the profiles that runs are submitted by. */
import { Button, Code, Group, Stack, Table, Text, Title } from "@mantine/core";
import { IconCheck, IconPlugConnectedX, IconPlus } from "@tabler/icons-react";
import { useState } from "react";

import { useSession } from "@/api/session";
import { askFirst } from "@/ui/confirm";
import { ErrorBox } from "@/ui/ErrorBox";
import { formatBytes } from "@/ui/format";
import { Pill } from "@/ui/StatePill";
import { When } from "@/ui/When";

import { ProfileDialog } from "./ProfileDialog";
import { ProbeFacts } from "./ProbeFacts";
import { type Profile, type Site, useCheckProfile, useProfiles, useRemoveProfile, useSaveProfile, useSites } from "./queries";

export function SlurmSection() {
  const session = useSession();
  const sites = useSites();
  const profiles = useProfiles();
  const save = useSaveProfile();
  const remove = useRemoveProfile();
  const check = useCheckProfile();
  const [opened, setOpened] = useState<Profile | "new" | null>(null);
  const isAdmin = session.data?.user.role === "admin";
  const open = (profile: Profile | "new") => {
    save.reset();
    setOpened(profile);
  };
  const ask = (profile: Profile) =>
    askFirst({
      title: `Remove profile ${profile.name}?`,
      children: "It is offered to no run any more. Runs that went by it keep its name.",
      confirm: "Remove",
      onConfirm: () => remove.mutate(profile.id),
    });
  return (
    <section aria-label="SLURM" className="card" style={{ padding: "14px 16px", marginTop: 16 }}>
      <Group justify="space-between" mb="xs">
        <Title order={2} fz="md">
          SLURM
        </Title>
        {isAdmin && (
          <Button size="compact-sm" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => open("new")}>
            New profile
          </Button>
        )}
      </Group>
      {profiles.error && <ErrorBox error={profiles.error} onRetry={() => void profiles.refetch()} />}
      <Stack gap="md">
        {profiles.data?.length === 0 && (
          <Text fz="sm" c="dimmed">
            No profile yet. With one, a run can be submitted to SLURM instead of taking a device of these hosts: the lab submits, watches, and submits
            again what was saved before a time limit. A worker must run where <Code>sbatch</Code> is.
          </Text>
        )}
        {profiles.data && profiles.data.length > 0 && <Profiles profiles={profiles.data} isAdmin={isAdmin} onOpen={open} onRemove={ask} onCheck={(profile) => check.mutate(profile.id)} />}
        {profiles.data?.map(({ id, name, probe }) => probe && <ProbeFacts key={id} name={name} probe={probe} />)}
        {sites.data?.map((site) => <SiteFacts key={site.login} site={site} />)}
      </Stack>
      {opened !== null && (
        <ProfileDialog
          profile={opened === "new" ? null : opened}
          sites={sites.data ?? []}
          isBusy={save.isPending}
          failure={save.error}
          onClose={() => setOpened(null)}
          onSave={(asked) => save.mutate({ id: opened === "new" ? null : opened.id, asked }, { onSuccess: () => setOpened(null) })}
        />
      )}
    </section>
  );
}

interface ProfilesProps {
  profiles: readonly Profile[];
  isAdmin: boolean;
  onOpen: (profile: Profile) => void;
  onRemove: (profile: Profile) => void;
  onCheck: (profile: Profile) => void;
}

function Profiles({ profiles, isAdmin, onOpen, onRemove, onCheck }: ProfilesProps) {
  return (
    <Table.ScrollContainer minWidth={560} type="native" tabIndex={0} role="group" aria-label="Profiles">
      <Table fz="sm" verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            {["Profile", "Partition", "Time limit", "Runs folder", ""].map((name) => (
              <Table.Th key={name}>{name}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {profiles.map((one) => (
            <Table.Tr key={one.id}>
              <Table.Td fw={600}>{one.name}</Table.Td>
              <Table.Td>{one.profile.partition || "the default"}</Table.Td>
              <Table.Td>{one.profile.time_limit_min} min</Table.Td>
              <Table.Td className="mono">{one.profile.runs_folder}</Table.Td>
              <Table.Td>
                {isAdmin && (
                  <Group gap={6} justify="flex-end" wrap="nowrap">
                    <Button size="compact-xs" variant="default" aria-label={`Check profile ${one.name}`} onClick={() => onCheck(one)}>
                      Check
                    </Button>
                    <Button size="compact-xs" variant="default" aria-label={`Change profile ${one.name}`} onClick={() => onOpen(one)}>
                      Change
                    </Button>
                    <Button size="compact-xs" variant="default" aria-label={`Remove profile ${one.name}`} onClick={() => onRemove(one)}>
                      Remove
                    </Button>
                  </Group>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function SiteFacts({ site }: { site: Site }) {
  return (
    <Stack gap={6}>
      <Group gap="xs">
        <Text fz="sm" fw={600}>
          {site.login ? `Through ${site.login}` : "Where the worker is"}
        </Text>
        {site.silent_since === null ? (
          <Pill tone="green" icon={IconCheck}>
            Answers
          </Pill>
        ) : (
          <Pill tone="red" icon={IconPlugConnectedX}>
            Away
          </Pill>
        )}
        {site.silent_since !== null && (
          <Text fz="sm">
            SLURM does not answer since <When at={site.silent_since} />: {site.words}
          </Text>
        )}
      </Group>
      {site.partitions.length > 0 && (
        <Table.ScrollContainer minWidth={480} type="native" tabIndex={0} role="group" aria-label="Partitions">
          <Table fz="sm" verticalSpacing={4}>
            <Table.Thead>
              <Table.Tr>
                {["Partition", "State", "Longest", "Nodes", "CPUs", "Memory", "Devices"].map((name) => (
                  <Table.Th key={name}>{name}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {site.partitions.map((part) => (
                <Table.Tr key={part.name}>
                  <Table.Td fw={600}>{part.name}</Table.Td>
                  <Table.Td>{part.state}</Table.Td>
                  <Table.Td>{part.time_limit}</Table.Td>
                  <Table.Td>{part.nodes}</Table.Td>
                  <Table.Td>{part.cpus}</Table.Td>
                  <Table.Td>{/^\d+$/.test(part.memory_mb) ? formatBytes(Number(part.memory_mb) * 1024 ** 2) : part.memory_mb}</Table.Td>
                  <Table.Td>{part.gres || "none"}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Stack>
  );
}
