/** A list of objects as cards: views, planned evaluations. */
import { ActionIcon, Button, Text, Tooltip } from "@mantine/core";
import { IconCopy, IconPlus, IconTrash } from "@tabler/icons-react";

import { FieldFrame } from "./FieldFrame";
import classes from "./Form.module.css";
import { useForm } from "./FormContext";
import { type Field, initialOf, isObject, type Json } from "./schema";
import { ObjectFields } from "./SchemaField";

interface ListFieldProps {
  field: Extract<Field, { type: "list" }>;
  path: readonly string[];
  value: Json;
  help: string | undefined;
}

export function ListField({ field, path, value, help }: ListFieldProps) {
  const { root, onChange } = useForm();
  const items = Array.isArray(value) ? value : [];
  const name = singular(path.at(-1) ?? "");
  const add = (item: Json) => onChange(path, [...items, item]);
  return (
    <FieldFrame
      path={path}
      value={value}
      help={help}
      isGroup
      control={
        <Button size="compact-xs" variant="default" leftSection={<IconPlus size={13} aria-hidden />} disabled={items.length >= field.most} onClick={() => add(initialOf(root, field.item))}>
          Add {name}
        </Button>
      }
    >
      <div className={classes.cards}>
        {items.map((item, place) => (
          <section key={place} className={classes.card} aria-label={`${name} ${place + 1}`}>
            <header>
              <Text fw={600} fz="sm">
                {name} {place + 1}
                {titleOf(item)}
              </Text>
              <Tooltip label="Add one like it">
                <ActionIcon size="sm" variant="subtle" color="gray" aria-label={`Copy ${name} ${place + 1}`} disabled={items.length >= field.most} onClick={() => add(item)}>
                  <IconCopy size={14} />
                </ActionIcon>
              </Tooltip>
              <ActionIcon size="sm" variant="subtle" color="gray" aria-label={`Remove ${name} ${place + 1}`} disabled={items.length <= field.least} onClick={() => onChange(path, items.filter((_, at) => at !== place))}>
                <IconTrash size={14} />
              </ActionIcon>
            </header>
            <ObjectFields schema={field.item} path={[...path, String(place)]} value={item} />
          </section>
        ))}
      </div>
    </FieldFrame>
  );
}

function singular(name: string): string {
  return name.replace(/s$/, "");
}

/** What tells an item from its peers at a glance. */
function titleOf(item: Json): string {
  if (!isObject(item)) return "";
  if (isObject(item.protocol) && typeof item.protocol.kind === "string") return `: ${item.protocol.kind}`;
  return typeof item.size === "number" ? `: ${item.size} px` : "";
}
