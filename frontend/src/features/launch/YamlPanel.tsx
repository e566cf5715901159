/** The definition as YAML; what is typed here goes into the form as soon as it can be read. */
import { Text } from "@mantine/core";
import { useState } from "react";
import { parseDocument, stringify } from "yaml";

import { YamlView } from "@/ui/YamlView";

import { isObject, isSame, type JsonObject } from "./form/schema";

interface YamlPanelProps {
  definition: JsonObject;
  onChange: (definition: JsonObject) => void;
}

export function YamlPanel({ definition, onChange }: YamlPanelProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const read = typed === null ? null : readYaml(typed);
  // What was typed stays as it is while it says the same as the form, comments and all.
  const isKept = typed !== null && (read?.fault !== undefined || isSame(read?.definition, definition));
  const text = isKept ? typed : stringify(definition);
  const change = (next: string) => {
    setTyped(next);
    const { definition: parsed } = readYaml(next);
    if (parsed) onChange(parsed);
  };
  return (
    <>
      {isKept && read?.fault && (
        <Text role="alert" c="var(--mantine-color-error)" fz="xs" mb={6}>
          {read.fault} The form keeps the last state that could be read.
        </Text>
      )}
      <YamlView label="Definition as YAML" text={text} onChange={change} faultyLine={isKept ? read?.line : undefined} rows={34} />
    </>
  );
}

interface ReadYaml {
  definition?: JsonObject;
  fault?: string;
  line?: number | undefined;
}

export function readYaml(text: string): ReadYaml {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) {
    const line = error.linePos?.[0].line;
    return { fault: `Line ${line ?? "?"}: ${error.message.split("\n")[0]?.replace(/ at line.*$/, "") ?? error.code}.`, line };
  }
  const value: unknown = document.toJS();
  return isObject(value) ? { definition: value } : { fault: "A definition has fields, as in `data:`.", line: 1 };
}
