/** How much users and experiments may hold at a time: read by everybody, set by administrators. */
import { Button, Group, Modal, NumberInput, SegmentedControl, Select, Stack, Table, Text, VisuallyHidden } from "@mantine/core";
import { IconGauge, IconPlus } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";

import { EmptyState } from "@/ui/EmptyState";
import { ErrorBox } from "@/ui/ErrorBox";

import type { Limit, LimitRequest, LimitsOfAll } from "./queries";

interface LimitsProps {
  known: LimitsOfAll;
  experiments: readonly string[];
  maySet: boolean;
  isBusy: boolean;
  error: Error | null;
  /** Before the form is shown: what was refused the last time is told no more. */
  onOpen: () => void;
  onSet: (asked: LimitRequest, onDone: () => void) => void;
  onLift: (id: number) => void;
}

export function Limits({ known, maySet, onLift, onOpen, ...props }: LimitsProps) {
  const [isOpen, setIsOpen] = useState(false);
  const open = () => {
    onOpen();
    setIsOpen(true);
  };
  const close = () => setIsOpen(false);
  const make = maySet && (
    <Button size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={open}>
      New limit
    </Button>
  );
  return (
    <>
      {known.limits.length === 0 ? (
        <EmptyState icon={IconGauge} title="No limit" action={make}>
          A limit keeps a user or an experiment from holding more runs or devices at a time than is fair.
        </EmptyState>
      ) : (
        <>
          <LimitTable limits={known.limits} maySet={maySet} onLift={onLift} />
          <Group mt="sm">{make}</Group>
        </>
      )}
      <Modal opened={isOpen} onClose={close} title={<Text fw={620}>New limit</Text>} closeButtonProps={{ "aria-label": "Close" }}>
        <LimitForm {...props} users={known.users} onDone={close} />
      </Modal>
    </>
  );
}

function LimitTable({ limits, maySet, onLift }: { limits: readonly Limit[] } & Pick<LimitsProps, "maySet" | "onLift">) {
  return (
    <Table.ScrollContainer minWidth={420} type="native" tabIndex={0} role="region" aria-label="Limits">
      <Table fz="sm" verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Of</Table.Th>
            <Table.Th>Runs</Table.Th>
            <Table.Th>Devices</Table.Th>
            <Table.Th pos="relative">
              <VisuallyHidden>Lift</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {limits.map((limit) => (
            <Table.Tr key={limit.id}>
              <Table.Td fw={560}>{limit.user ?? `experiment ${limit.experiment?.name ?? ""}`}</Table.Td>
              <Table.Td>{usedOf(limit.used_runs, limit.runs)}</Table.Td>
              <Table.Td>{usedOf(limit.used_devices, limit.devices)}</Table.Td>
              <Table.Td ta="right">
                {maySet && (
                  <Button size="compact-xs" variant="default" onClick={() => onLift(limit.id)}>
                    Lift
                  </Button>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

const usedOf = (used: number, most: number | null) => (most === null ? `${used}, no limit` : `${used} of ${most}`);

type FormProps = Pick<LimitsProps, "experiments" | "isBusy" | "error" | "onSet"> & { users: readonly string[]; onDone: () => void };

function LimitForm({ users, experiments, isBusy, error, onSet, onDone }: FormProps) {
  const [of, setOf] = useState<"user" | "experiment">("user");
  const [who, setWho] = useState<string | null>(null);
  const [runs, setRuns] = useState<number | string>("");
  const [devices, setDevices] = useState<number | string>("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSet({ [of]: who, runs: typeof runs === "number" ? runs : null, devices: typeof devices === "number" ? devices : null }, onDone);
  };
  const choose = (value: string) => {
    setOf(value === "experiment" ? "experiment" : "user");
    setWho(null);
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <SegmentedControl aria-label="Whose limit" value={of} onChange={choose} data={[{ value: "user", label: "A user" }, { value: "experiment", label: "An experiment" }]} />
        <Select label={of === "user" ? "User" : "Experiment"} required searchable data={[...(of === "user" ? users : experiments)]} value={who} onChange={setWho} />
        <NumberInput label="Runs at a time" description="Empty sets no limit to them" min={0} allowDecimal={false} value={runs} onChange={setRuns} />
        <NumberInput label="Devices at a time" description="Empty sets no limit to them" min={0} allowDecimal={false} value={devices} onChange={setDevices} />
        {error && <ErrorBox error={error} title="The limit was not set" />}
        <Button type="submit" loading={isBusy} disabled={who === null}>
          Set the limit
        </Button>
      </Stack>
    </form>
  );
}
