/** API tokens: made here, shown once, revoked here. */
import { Alert, Badge, Button, Code, Group, Modal, SegmentedControl, Select, Stack, Table, Text, TextInput, VisuallyHidden } from "@mantine/core";
import { IconKey, IconPlus } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";

import { askFirst } from "@/ui/confirm";
import { CopyButton } from "@/ui/CopyButton";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorBox } from "@/ui/ErrorBox";
import { When } from "@/ui/When";

import type { NewToken, Token, TokenRequest } from "./queries";

interface TokensProps {
  tokens: readonly Token[];
  fresh: NewToken | undefined;
  error: Error | null;
  isBusy: boolean;
  onCreate: (asked: TokenRequest) => void;
  onForget: () => void;
  onRevoke: (id: number) => void;
}

export function Tokens({ tokens, fresh, error, isBusy, onCreate, onForget, onRevoke }: TokensProps) {
  const [isOpen, setIsOpen] = useState(false);
  const close = () => {
    setIsOpen(false);
    onForget();
  };
  const make = (
    <Button size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setIsOpen(true)}>
      New token
    </Button>
  );
  return (
    <>
      {tokens.length === 0 ? (
        <EmptyState icon={IconKey} title="No API token yet" action={make}>
          A token lets scripts and the command line do what you may do here.
        </EmptyState>
      ) : (
        <>
          <TokenTable tokens={tokens} onRevoke={onRevoke} />
          <Group mt="sm">{make}</Group>
        </>
      )}
      <Modal opened={isOpen} onClose={close} title={<Text fw={620}>{fresh ? "Copy the token now" : "New API token"}</Text>}>
        {fresh ? <Fresh token={fresh} onDone={close} /> : <TokenForm isBusy={isBusy} error={error} onCreate={onCreate} />}
      </Modal>
    </>
  );
}

function TokenTable({ tokens, onRevoke }: Pick<TokensProps, "tokens" | "onRevoke">) {
  const revoke = ({ id, name }: Token) =>
    askFirst({ title: `Revoke ${name}?`, children: "Whatever uses it is refused from now on. This cannot be undone.", confirm: "Revoke", isDangerous: true, onConfirm: () => onRevoke(id) });
  return (
    <Table.ScrollContainer minWidth={560} type="native">
      <Table fz="sm" verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            {["Name", "May", "Ends in", "Last used", "Expires"].map((head) => (
              <Table.Th key={head} style={{ whiteSpace: "nowrap" }}>
                {head}
              </Table.Th>
            ))}
            <Table.Th pos="relative">
              <VisuallyHidden>Revoke</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {tokens.map((token) => (
            <Table.Tr key={token.id}>
              <Table.Td fw={560}>{token.name}</Table.Td>
              <Table.Td>
                <Badge variant="default" tt="none" fw={500} style={{ flex: "none", overflow: "visible" }} miw="max-content">
                  {token.scope === "read" ? "read only" : "read and write"}
                </Badge>
              </Table.Td>
              <Table.Td className="mono">…{token.hint}</Table.Td>
              <Table.Td>{token.last_used_at ? <When at={token.last_used_at} /> : "never"}</Table.Td>
              <Table.Td>{token.expires_at ? <When at={token.expires_at} /> : "never"}</Table.Td>
              <Table.Td ta="right">
                <Button size="compact-xs" variant="default" onClick={() => revoke(token)}>
                  Revoke
                </Button>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Fresh({ token, onDone }: { token: NewToken; onDone: () => void }) {
  return (
    <Stack gap="sm">
      <Alert color="orange" variant="outline" py="xs">
        It is never shown again: keep it where secrets are kept.
      </Alert>
      <Group wrap="nowrap" gap="xs">
        <Code block style={{ flex: 1, overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
          {token.token}
        </Code>
        <CopyButton value={token.token} label="Copy the token" />
      </Group>
      <Button onClick={onDone}>I have it</Button>
    </Stack>
  );
}

const LIFETIMES = [
  { value: "7", label: "7 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "a year" },
  { value: "never", label: "never" },
];

function TokenForm({ isBusy, error, onCreate }: { isBusy: boolean; error: Error | null; onCreate: (asked: TokenRequest) => void }) {
  const [name, setName] = useState("");
  const [scope, setScope] = useState<TokenRequest["scope"]>("write");
  const [lasts, setLasts] = useState("90");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onCreate({ name, scope, expires_in_days: lasts === "never" ? null : Number(lasts) });
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput label="What it is for" data-autofocus required value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <SegmentedControl aria-label="Scope" value={scope} onChange={(value) => setScope(value === "read" ? "read" : "write")} data={[{ value: "write", label: "Read and write" }, { value: "read", label: "Read only" }]} />
        <Select label="Expires in" allowDeselect={false} data={LIFETIMES} value={lasts} onChange={(value) => setLasts(value ?? "90")} />
        {error && <ErrorBox error={error} title="No token was made" />}
        <Button type="submit" loading={isBusy}>
          Make the token
        </Button>
      </Stack>
    </form>
  );
}
