/** Hosts: what there is to compute with, and what runs where. */
import { Code, SimpleGrid } from "@mantine/core";
import { IconServerOff } from "@tabler/icons-react";

import { SlurmSection } from "@/features/slurm/SlurmSection";
import { askFirst } from "@/ui/confirm";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorBox } from "@/ui/ErrorBox";
import { counted } from "@/ui/format";
import { PageHeader } from "@/ui/PageHeader";
import { CardSkeletons } from "@/ui/Skeletons";

import { HostCard } from "./HostCard";
import { type Host, useEnableHost, useHostLoads, useHosts } from "./queries";

export default function HostsPage() {
  const hosts = useHosts();
  const loads = useHostLoads();
  const enable = useEnableHost();
  const change = (host: Host, enabled: boolean) => {
    if (enabled) return enable.mutate({ id: host.id, enabled });
    const busy = host.devices.filter(({ run }) => run).length;
    askFirst({
      title: `Drain ${host.name}?`,
      children: `${busy ? `What runs on ${counted(busy, "device")} goes on to its end.` : "Nothing runs on it."} It takes no new runs until it is enabled.`,
      confirm: "Drain",
      onConfirm: () => enable.mutate({ id: host.id, enabled }),
    });
  };
  return (
    <>
      <PageHeader title="Hosts" lead={hosts.data && leadOf(hosts.data)} />
      {hosts.error && !hosts.data && <ErrorBox error={hosts.error} onRetry={() => void hosts.refetch()} />}
      {hosts.isPending && <CardSkeletons height={320} />}
      {hosts.data?.length === 0 && (
        <EmptyState icon={IconServerOff} title="No host has registered">
          A worker registers its host when it starts: <Code>scelab up</Code> starts one beside the server.
        </EmptyState>
      )}
      <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }}>
        {hosts.data?.map((host) => (
          <HostCard key={host.id} host={host} load={loads.data?.find(({ host_id: id }) => id === host.id)} isBusy={enable.isPending && enable.variables.id === host.id} onEnable={(enabled) => change(host, enabled)} />
        ))}
      </SimpleGrid>
      <SlurmSection />
    </>
  );
}

function leadOf(hosts: readonly Host[]): string {
  const devices = hosts.flatMap((host) => host.devices);
  return `${counted(hosts.length, "host")}, ${counted(devices.length, "device")}, ${devices.filter(({ run }) => run).length} in use`;
}
