/** Around a field: its name, its help, its fault, and the way back to the recipe's value. */
import { ActionIcon, Text, Tooltip } from "@mantine/core";
import { IconArrowBackUp } from "@tabler/icons-react";
import type { ReactNode } from "react";

import { useForm } from "./FormContext";
import classes from "./Form.module.css";
import { isSame, type Json, valueAt, wordsOf } from "./schema";

interface FieldFrameProps {
  path: readonly string[];
  value: Json;
  help: string | undefined;
  /** Fields inside stand under the name instead of beside it. */
  isGroup?: boolean;
  /** Stands at the right of a group's name. */
  control?: ReactNode;
  children?: ReactNode;
}

export const inputId = (path: readonly string[]) => `field-${path.join(".")}`;

export function FieldFrame({ path, value, help, isGroup = false, control, children }: FieldFrameProps) {
  const { errors } = useForm();
  const id = inputId(path);
  const error = errors[path.join(".")];
  const Name = isGroup ? "span" : "label";
  return (
    <div className={isGroup ? classes.group : classes.field} data-faulty={error !== undefined || undefined} id={`frame-${path.join(".")}`} tabIndex={isGroup && error ? -1 : undefined}>
      <div className={classes.naming}>
        <div className={classes.name}>
          <Name {...(isGroup ? {} : { htmlFor: id })}>{wordsOf(path.at(-1) ?? "")}</Name>
          <Changed path={path} value={value} />
          {isGroup && <span className={classes.control}>{control}</span>}
        </div>
        {help && (
          <Text c="dimmed" fz={12} lh={1.35} id={`${id}-help`}>
            {help}
          </Text>
        )}
        {error && (
          <Text c="var(--mantine-color-error)" fz={12} fw={560} role="alert" id={`${id}-error`}>
            {error}
          </Text>
        )}
      </div>
      <div className={isGroup ? classes.inside : classes.input}>{children}</div>
    </div>
  );
}

function Changed({ path, value }: { path: readonly string[]; value: Json }) {
  const { base, baseWord, onChange } = useForm();
  const before = valueAt(base, path);
  if (before === undefined || isSame(before, value)) return null;
  const said = typeof before === "object" && before !== null ? "" : `: ${String(before ?? "none")}`;
  const label = `Back to the ${baseWord}${said}`;
  return (
    <>
      <span className={classes.changed}>
        {baseWord}
        {said || " differs"}
      </span>
      <Tooltip label={label}>
        <ActionIcon size={18} variant="subtle" aria-label={`${wordsOf(path.at(-1) ?? "")}: back to the ${baseWord}`} onClick={() => onChange(path, before)}>
          <IconArrowBackUp size={13} />
        </ActionIcon>
      </Tooltip>
    </>
  );
}
