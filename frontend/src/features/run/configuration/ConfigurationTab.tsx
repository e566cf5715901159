/** What was asked, whole, and how it differs from where it came from. */
import { Button, Group, Paper, Skeleton, Stack, Text, Title } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";

import { CopyButton } from "@/ui/CopyButton";
import { ErrorBox } from "@/ui/ErrorBox";

import { type Configuration, type Run, useConfiguration } from "../queries";
import { Changes } from "./Changes";
import classes from "./ConfigurationTab.module.css";

export function ConfigurationTab({ run }: { run: Run }) {
  const configuration = useConfiguration(run.id);
  if (configuration.error && !configuration.data) return <ErrorBox error={configuration.error} />;
  if (!configuration.data) return <Skeleton h={420} />;
  const { recipe, recipe_changes, parent, parent_changes, yaml } = configuration.data;
  return (
    <Stack gap="md">
      {recipe && <Changes title={`Difference to the recipe ${recipe}`} from={recipe} to={run.name} changes={recipe_changes} />}
      {parent && run.cloned_from && (
        <Changes title={`Difference to ${parent.name}`} from={parent.name} to={run.name} changes={parent_changes} />
      )}
      <Whole name={run.name} yaml={yaml} />
      <Text size="sm" c="dimmed">
        Folder on the server:{" "}
        <Text span size="sm" ff="monospace" style={{ overflowWrap: "anywhere" }}>
          {run.folder}
        </Text>{" "}
        <CopyButton value={run.folder} label="Copy the folder" />
      </Text>
    </Stack>
  );
}

function Whole({ name, yaml }: { name: string; yaml: Configuration["yaml"] }) {
  return (
    <Paper className="card" p="md" component="section" aria-label="Definition">
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h5">
          Definition
        </Title>
        <Group gap="xs">
          <CopyButton value={yaml} label="Copy the definition" />
          <Button
            size="compact-xs"
            variant="default"
            leftSection={<IconDownload size={14} aria-hidden />}
            onClick={() => download(`${name}.yaml`, yaml)}
          >
            Download
          </Button>
        </Group>
      </Group>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a box that scrolls must take the focus */}
      <pre className={classes.yaml} tabIndex={0} aria-label="Definition as YAML">
        {yaml}
      </pre>
    </Paper>
  );
}

function download(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
  link.download = name.replace(/[^\w.-]+/g, "-");
  link.click();
  URL.revokeObjectURL(link.href);
}
