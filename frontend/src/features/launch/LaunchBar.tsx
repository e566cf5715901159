/** The buttons, and how many fields stand in their way. */
import { Button, Text, UnstyledButton } from "@mantine/core";
import { IconAlertTriangle, IconRocket } from "@tabler/icons-react";

import { counted } from "@/ui/format";

import classes from "./Launch.module.css";

interface LaunchBarProps {
  error: Error | null;
  errors: Readonly<Record<string, string>>;
  seeds: number[] | string;
  isBusy: boolean;
  onLaunch: (isDraft: boolean) => void;
}

export function LaunchBar({ error, errors, seeds, isBusy, onLaunch }: LaunchBarProps) {
  const faulty = [...(typeof seeds === "string" ? ["seeds"] : []), ...Object.keys(errors)];
  const isStuck = faulty.length > 0;
  const launch = (isDraft: boolean) => (isStuck ? focusField(faulty[0] ?? "") : onLaunch(isDraft));
  const runs = typeof seeds === "string" ? 1 : seeds.length;
  return (
    <section className={`card ${classes.bar}`} aria-label="Launch">
      <div className={classes.spread} role="status">
        {isStuck ? (
          <UnstyledButton c="var(--mantine-color-error)" fz="sm" fw={600} onClick={() => focusField(faulty[0] ?? "")}>
            <IconAlertTriangle size={15} aria-hidden style={{ verticalAlign: "-2px", marginRight: 6 }} />
            {counted(faulty.length, "field needs", "fields need")} a change: {faulty[0]}
            <Text fz="xs" c="var(--mantine-color-error)" lineClamp={2}>
              {errors[faulty[0] ?? ""]}
            </Text>
          </UnstyledButton>
        ) : (
          error && (
            <Text c="var(--mantine-color-error)" fz="sm">
              {error.message}
            </Text>
          )
        )}
      </div>
      <Button variant="default" size="sm" disabled={isBusy} onClick={() => launch(true)}>
        Save as draft
      </Button>
      <Button size="sm" loading={isBusy} leftSection={<IconRocket size={16} aria-hidden />} onClick={() => launch(false)}>
        {runs > 1 ? `Launch ${runs} runs` : "Launch"}
      </Button>
    </section>
  );
}

/** Goes to a field, or to the nearest part that holds it. */
export function focusField(path: string): void {
  const parts = path.split(".");
  for (let length = parts.length; length > 0; length -= 1) {
    const key = parts.slice(0, length).join(".");
    const found = document.getElementById(`field-${key}`) ?? document.getElementById(`frame-${key}`);
    if (!found) continue;
    found.scrollIntoView({ block: "center" });
    found.focus({ preventScroll: true });
    return;
  }
}
