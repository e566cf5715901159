/** Where an imported trunk came from, as its definition says. */
import { Text } from "@mantine/core";

import { KeyValue } from "@/ui/KeyValue";

import { type Run, useConfiguration } from "../queries";
import { Panel } from "./Panel";

const FACTS: readonly [string, string][] = [
  ["source", "File"],
  ["source_sha256", "SHA-256"],
  ["naming", "Names"],
  ["prefix", "Prefix"],
  ["branch", "Branch"],
  ["recipe", "Recipe, as said"],
  ["origin", "Origin, as said"],
];

export function Imported({ run }: { run: Run }) {
  const configuration = useConfiguration(run.id);
  const definition: Readonly<Record<string, unknown>> = configuration.data?.definition ?? {};
  const pairs = FACTS.flatMap(([key, label]): [string, string][] => {
    const value = definition[key];
    return typeof value === "string" && value ? [[label, value]] : [];
  });
  return (
    <Panel title="Imported trunk">
      <Text size="sm" c="dimmed">
        {`${typeof run.protocol.matched === "number" ? run.protocol.matched : "All"} weights matched name by name. It was not trained here.`}
      </Text>
      <KeyValue pairs={pairs} />
    </Panel>
  );
}
