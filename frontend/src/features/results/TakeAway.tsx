/** A table as a file: for a paper, a page or a spreadsheet. */
import { Button, Menu } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";

const FORMATS = { csv: "CSV", latex: "LaTeX", markdown: "Markdown" } as const;

export function TakeAway({ path, of, experiment }: { path: string; of: string; experiment: number | undefined }) {
  const scope = experiment === undefined ? "" : `&experiment_id=${experiment}`;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button size="compact-xs" variant="default" leftSection={<IconDownload size={13} aria-hidden />} aria-label={`Export ${of}`}>
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {Object.entries(FORMATS).map(([format, label]) => (
          <Menu.Item key={format} component="a" href={`/api/v1/results/${path}/export?format=${format}${scope}`} download>
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
