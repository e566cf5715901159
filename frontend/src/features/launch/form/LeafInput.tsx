/** The inputs that hold one value: numbers, words, switches, choices, tuples. */
import { Autocomplete, Group, NumberInput, SegmentedControl, Select, Switch, TagsInput, TextInput } from "@mantine/core";
import { useState } from "react";

import { inputId } from "./FieldFrame";
import { useForm } from "./FormContext";
import type { Field, Json } from "./schema";

interface LeafInputProps {
  field: Field;
  path: readonly string[];
  value: Json;
}

export function LeafInput({ field, path, value }: LeafInputProps) {
  const { onChange, errors, labels } = useForm();
  const set = (next: Json) => onChange(path, next);
  const isFaulty = errors[path.join(".")] !== undefined;
  const id = inputId(path);
  const common = { id, size: "xs", error: isFaulty, "aria-describedby": isFaulty ? `${id}-error` : `${id}-help` } as const;
  switch (field.type) {
    case "switch":
      return <Switch id={id} size="sm" checked={value === true} onChange={(event) => set(event.currentTarget.checked)} />;
    case "choice":
      return <Choice options={field.options} value={value} onChange={set} common={common} />;
    case "number":
      return <NumberField value={value} isWhole={field.isWhole} onChange={set} common={common} />;
    case "numbers":
      return <NumbersField value={value} onChange={set} common={common} />;
    case "words":
      return <TagsInput {...common} clearable w="100%" data={[...labels]} placeholder="name=value" value={Array.isArray(value) ? value.map(String) : []} onChange={set} />;
    case "tuple":
      return (
        <Group gap={6} wrap="nowrap">
          {field.items.map((_, place) => (
            <NumberField
              key={place}
              value={Array.isArray(value) ? (value[place] ?? null) : null}
              isWhole={false}
              label={`${path.at(-1) ?? ""} ${place + 1}`}
              onChange={(next) => set((Array.isArray(value) ? value : []).map((old, at) => (at === place ? next : old)))}
              common={{ ...common, id: place === 0 ? id : `${id}-${place}` }}
            />
          ))}
        </Group>
      );
    default:
      return path.at(-1) === "root" ? <RootField value={value} onChange={set} common={common} /> : <TextInput {...common} value={typeof value === "string" ? value : ""} onChange={(event) => set(event.currentTarget.value)} />;
  }
}

interface CommonProps {
  id: string;
  size: "xs";
  error: boolean;
  "aria-describedby": string;
}

interface InputProps {
  value: Json;
  onChange: (value: Json) => void;
  common: CommonProps;
}

function Choice({ options, value, onChange, common }: InputProps & { options: (string | number)[] }) {
  const data = options.map((option) => ({ value: String(option), label: String(option) }));
  const choose = (text: string | null) => onChange(options.find((option) => String(option) === text) ?? null);
  if (options.length > 3) return <Select {...common} allowDeselect={false} data={data} value={String(value)} onChange={choose} />;
  return <SegmentedControl id={common.id} size="xs" data={data} value={String(value)} onChange={choose} />;
}

/** A number in the reader's own writing (1e-6), kept as text while it is not one. */
function NumberField({ value, isWhole, onChange, common, label }: InputProps & { isWhole: boolean; label?: string }) {
  const [text, setText] = useState<string | null>(null);
  if (isWhole) {
    return <NumberInput {...common} aria-label={label} allowDecimal={false} hideControls={false} value={typeof value === "number" ? value : ""} onChange={(next) => onChange(typeof next === "number" ? next : null)} />;
  }
  return (
    <TextInput
      {...common}
      aria-label={label}
      inputMode="decimal"
      value={text ?? String(value ?? "")}
      onChange={(event) => {
        const typed = event.currentTarget.value;
        setText(typed);
        onChange(typed.trim() !== "" && Number.isFinite(Number(typed)) ? Number(typed) : typed);
      }}
      onBlur={() => setText(null)}
    />
  );
}

/** Whole numbers with commas between them. What is not a number is sent as it is, and refused with its place. */
function NumbersField({ value, onChange, common }: InputProps) {
  const [text, setText] = useState<string | null>(null);
  return (
    <TextInput
      {...common}
      value={text ?? (Array.isArray(value) ? value.join(", ") : "")}
      onChange={(event) => {
        setText(event.currentTarget.value);
        onChange(event.currentTarget.value.split(/[\s,]+/).filter(Boolean).map((word) => (Number.isFinite(Number(word)) ? Number(word) : word)));
      }}
      onBlur={() => setText(null)}
    />
  );
}

function RootField({ value, onChange, common }: InputProps) {
  const { roots } = useForm();
  const names = new Map(roots.map(({ root, name, kind }) => [root, `${name} (${kind})`]));
  return (
    <Autocomplete
      {...common}
      placeholder="A registered data set, or a folder"
      data={[...names.keys()]}
      filter={({ options }) => options}
      renderOption={({ option }) => (
        <div>
          <div>{names.get(option.value)}</div>
          <div className="mono" style={{ opacity: 0.75 }}>
            {option.value}
          </div>
        </div>
      )}
      value={typeof value === "string" ? value : ""}
      onChange={onChange}
    />
  );
}
