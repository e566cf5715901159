/** One field of a definition, whatever its schema asks for. */
import { Select, Switch } from "@mantine/core";

import { FieldFrame, inputId } from "./FieldFrame";
import { useForm } from "./FormContext";
import { ListField } from "./ListField";
import { LeafInput } from "./LeafInput";
import { fieldOf, type Field, initialOf, isObject, type Json, resolve, type Schema } from "./schema";
import classes from "./Form.module.css";

interface SchemaFieldProps {
  schema: Schema;
  path: readonly string[];
  value: Json;
}

export function SchemaField({ schema, path, value }: SchemaFieldProps) {
  const { root } = useForm();
  const field = fieldOf(root, schema);
  const help = resolve(root, schema).description;
  const props = { path, value, help };
  switch (field.type) {
    case "object":
      return (
        <FieldFrame {...props} isGroup>
          <ObjectFields schema={schema} path={path} value={value} />
        </FieldFrame>
      );
    case "union":
      return <UnionField {...props} variants={field.variants} />;
    case "nullable":
      return <NullableField {...props} inner={field.inner} />;
    case "list":
      return <ListField {...props} field={field} />;
    default:
      return (
        <FieldFrame {...props}>
          <LeafInput field={field} path={path} value={value} />
        </FieldFrame>
      );
  }
}

/** The fields of an object, one under the other; `kind` is chosen elsewhere. */
export function ObjectFields({ schema, path, value }: SchemaFieldProps) {
  const { root } = useForm();
  const field = fieldOf(root, schema);
  if (field.type !== "object") return null;
  return field.properties
    .filter(([name]) => name !== "kind")
    .map(([name, part]) => (
      <SchemaField key={name} schema={part} path={[...path, name]} value={isObject(value) ? (value[name] ?? null) : null} />
    ));
}

interface PartProps {
  path: readonly string[];
  value: Json;
  help: string | undefined;
}

function UnionField({ variants, ...props }: PartProps & { variants: Extract<Field, { type: "union" }>["variants"] }) {
  const { onChange, root } = useForm();
  const { path, value } = props;
  const kind = isObject(value) && typeof value.kind === "string" ? value.kind : "";
  const chosen = variants.find(([tag]) => tag === kind)?.[1];
  const choose = (tag: string | null) => {
    const variant = variants.find(([one]) => one === tag)?.[1];
    if (variant && tag !== kind) onChange(path, carriedOver(initialOf(root, variant), value));
  };
  const select = (
    <Select size="xs" w={150} allowDeselect={false} aria-label={`${path.at(-1) ?? ""} kind`} id={inputId(path)} data={variants.map(([tag]) => tag)} value={kind} onChange={choose} />
  );
  return (
    <FieldFrame {...props} isGroup control={select}>
      {chosen && (
        <>
          <p className={classes.about}>{resolve(root, chosen).description}</p>
          <ObjectFields schema={chosen} path={path} value={value} />
        </>
      )}
    </FieldFrame>
  );
}

/** A new variant keeps what it has in common with the one before: a folder, splits, a projector. */
function carriedOver(next: Json, before: Json): Json {
  if (!isObject(next) || !isObject(before)) return next;
  const kept = Object.entries(next).map(([key, value]) => [key, key !== "kind" && isFreeText(value, before[key]) ? (before[key] ?? value) : value]);
  return Object.fromEntries(kept) as Json;
}

function isFreeText(value: Json, before: Json | undefined): boolean {
  return typeof value === "string" && typeof before === "string";
}

function NullableField({ inner, ...props }: PartProps & { inner: Schema }) {
  const { onChange, root } = useForm();
  const { path, value } = props;
  const isOn = value !== null;
  const field = fieldOf(root, inner);
  const isGroup = field.type === "object" || field.type === "union";
  const toggle = (
    <Switch size="xs" aria-label={`${path.at(-1) ?? ""} is set`} checked={isOn} onChange={(event) => onChange(path, event.currentTarget.checked ? startOf(initialOf(root, inner), field) : null)} />
  );
  if (!isGroup) {
    return (
      <FieldFrame {...props}>
        <div className={classes.optional}>
          {toggle}
          {isOn && <LeafInput field={field} path={path} value={value} />}
        </div>
      </FieldFrame>
    );
  }
  return (
    <FieldFrame {...props} isGroup control={toggle}>
      {isOn && field.type === "object" && <ObjectFields schema={inner} path={path} value={value} />}
      {isOn && field.type === "union" && <UnionField path={path} value={value} help={undefined} variants={field.variants} />}
    </FieldFrame>
  );
}

/** A limit of zero is refused, so a number that is switched on begins at one. */
function startOf(value: Json, field: Field): Json {
  return field.type === "number" && value === 0 ? 1 : value;
}
