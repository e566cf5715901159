/** Clips of a data set as they are, playing, by split and class. */
import { Group, Pagination, Paper, SegmentedControl, Select, Skeleton, Stack, Text, Title } from "@mantine/core";

import { ClockControls } from "@/media/ClockContext";
import { Clip } from "@/media/Clip";
import { ErrorBox } from "@/ui/ErrorBox";
import { formatBytes } from "@/ui/format";

import { type DatasetDetail, type Item, type ItemFilter, SAMPLES } from "./queries";
import classes from "./Splits.module.css";

interface SamplesProps {
  items: readonly Item[] | undefined;
  total: number;
  failure: Error | null;
  filter: ItemFilter;
  splits: readonly string[];
  classes: DatasetDetail["classes"];
  onFilter: (patch: Partial<ItemFilter>) => void;
}

export function Samples(props: SamplesProps) {
  const { items, total, failure, filter, onFilter } = props;
  const pages = Math.max(1, Math.ceil(total / SAMPLES));
  return (
    <Paper className="card" p="md" component="section" aria-label="Samples">
      <Stack gap="sm">
        <Group justify="space-between">
          <Title order={2} size="h5">
            Samples
          </Title>
          <ClockControls />
        </Group>
        <Filters {...props} />
        {failure && <ErrorBox error={failure} />}
        {!items && !failure && <Skeleton h={260} />}
        {items && items.length === 0 && <Text c="dimmed">There is nothing in this split and class.</Text>}
        <div className={classes.samples}>{items?.map((item) => <Sample key={item.id} item={item} />)}</div>
        {pages > 1 && (
          <Pagination
            size="sm"
            total={pages}
            value={filter.page}
            onChange={(page) => onFilter({ page })}
            getControlProps={(control) => ({ "aria-label": `${control} page` })}
          />
        )}
      </Stack>
    </Paper>
  );
}

function Filters({ filter, splits, classes: counts, onFilter }: SamplesProps) {
  return (
    <Group gap="sm">
      <SegmentedControl
        size="xs"
        aria-label="Split"
        data={[{ value: "", label: "All splits" }, ...splits.map((split) => ({ value: split, label: split }))]}
        value={filter.split ?? ""}
        onChange={(split) => onFilter({ split: split || undefined, page: undefined })}
      />
      <Select
        size="xs"
        aria-label="Class"
        placeholder="All classes"
        clearable
        searchable
        data={counts.map(({ name, label }) => ({ value: String(label), label: name }))}
        value={filter.label === undefined ? null : String(filter.label)}
        onChange={(label) => onFilter({ label: label === null ? undefined : Number(label), page: undefined })}
      />
    </Group>
  );
}

function Sample({ item }: { item: Item }) {
  return (
    <article aria-label={item.path}>
      <Clip url={item.preview_url} label={`${item.class_name ?? "Unlabelled"}: ${item.path}`} />
      <Text size="xs" fw={600} mt={4} className={classes.caption} title={item.path}>
        {item.class_name ?? item.path}
      </Text>
      {factLines(item).map((line) => (
        <Text key={line} size="xs" c="dimmed" className={classes.caption} title={item.path}>
          {line}
        </Text>
      ))}
    </article>
  );
}

/** Technical facts of the file itself, not of its preview: how it looks, how it is kept. */
function factLines({ width, height, fps, duration_s, codec, bytes, num_frames }: Item): string[] {
  const isVideo = (num_frames ?? 0) > 1;
  const looks = [
    width && height && `${width}×${height}`,
    isVideo && fps && `${Number(fps.toFixed(2))} fps`,
    isVideo && duration_s && `${Number(duration_s.toFixed(2))} s`,
  ];
  const kept = [codec, bytes && formatBytes(bytes)];
  return [looks, kept].map((facts) => facts.filter(Boolean).join(" · ")).filter((line) => line !== "");
}
