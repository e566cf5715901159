/** The door: a link's token, an API token, or a name and a password. */
import { Alert, Button, Code, PasswordInput, SegmentedControl, Stack, Text, TextInput, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";

import { Mark } from "@/frame/Mark";

import classes from "./LoginPage.module.css";

const PROBLEMS: Record<string, string> = {
  used: "This login link was used before: a link opens one browser, once.",
  expired: "This login link is too old.",
  unknown: "This server does not know that login link. It may be another server's, or from before its data was removed.",
  too_many: "Too many links that were wrong came from here. Wait a minute and try again.",
};

export type Key = { token: string } | { name: string; password: string };

interface LoginPageProps {
  problem: string | null;
  isBusy: boolean;
  error: Error | null;
  onLogIn: (key: Key) => void;
}

export function LoginPage({ problem, isBusy, error, onLogIn }: LoginPageProps) {
  const [way, setWay] = useState<"token" | "password">("token");
  const told = problem ? (PROBLEMS[problem] ?? "That login link did not work.") : null;
  return (
    <main className={classes.page}>
      <Stack className={`card ${classes.door}`} gap="md">
        <Stack gap={6} align="center">
          <Mark size={40} />
          <Title order={1} fz={20}>
            SCE Lab
          </Title>
        </Stack>
        {told && (
          <Alert color="orange" variant="outline" title="That link did not open the door">
            {told}
          </Alert>
        )}
        <SegmentedControl
          fullWidth
          size="xs"
          value={way}
          onChange={(value) => setWay(value === "password" ? "password" : "token")}
          data={[
            { value: "token", label: "Token" },
            { value: "password", label: "Password" },
          ]}
        />
        {way === "token" ? <TokenForm {...{ isBusy, error, onLogIn }} /> : <PasswordForm {...{ isBusy, error, onLogIn }} />}
        <Text fz="xs" c="dimmed">
          A fresh link: run <Code>scelab login-link</Code> where the server runs and open what it prints, or paste it here.
        </Text>
      </Stack>
    </main>
  );
}

type FormProps = Omit<LoginPageProps, "problem">;

function TokenForm({ isBusy, error, onLogIn }: FormProps) {
  const [text, setText] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onLogIn({ token: tokenIn(text) });
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <PasswordInput label="Token or login link" value={text} error={error?.message} onChange={(event) => setText(event.currentTarget.value)} />
        <Button type="submit" loading={isBusy} disabled={text.trim() === ""} fullWidth>
          Log in
        </Button>
      </Stack>
    </form>
  );
}

function PasswordForm({ isBusy, error, onLogIn }: FormProps) {
  const [name, setName] = useState("admin");
  const [password, setPassword] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onLogIn({ name, password });
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput label="Name" autoComplete="username" value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <PasswordInput label="Password" autoComplete="current-password" value={password} error={error?.message} onChange={(event) => setPassword(event.currentTarget.value)} />
        <Button type="submit" loading={isBusy} disabled={password === ""} fullWidth>
          Log in
        </Button>
      </Stack>
    </form>
  );
}

/** The token of a pasted link, or what was pasted. */
export function tokenIn(text: string): string {
  const found = /[?&]token=([^&\s]+)/.exec(text);
  return found?.[1] ? decodeURIComponent(found[1]) : text.trim();
}
