/** The panels of one prefix. They are loaded in groups, each when it comes near the screen. */
import { Box, Collapse, Group, SimpleGrid, Skeleton, Text, UnstyledButton } from "@mantine/core";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";

import { stepsWithin } from "@/charts/lines";
import { useOnScreen } from "@/media/useOnScreen";

import type { Checkpoint, Run } from "../queries";
import { rangeIn, type RunSearch } from "../search";
import { outwards, useCurves } from "./curves";
import { MetricPanel } from "./MetricPanel";
import { originOf } from "./moments";
import { inGroupsOf, type Section } from "./sections";

const GROUP = 12;
const PANEL_HEIGHT = 268;
const WIDTH = 800;

interface PanelsProps {
  run: Run;
  search: RunSearch;
  checkpoints: readonly Checkpoint[];
  onZoom: (range: [number, number]) => void;
  onReset: () => void;
  onCheckpoint: () => void;
}

interface ChartSectionProps extends PanelsProps {
  section: Section;
  isOpen: boolean;
  /** None where a section is always open. */
  onToggle: (() => void) | null;
}

export function ChartSection({ section, isOpen, onToggle, ...rest }: ChartSectionProps) {
  const Chevron = isOpen ? IconChevronDown : IconChevronRight;
  const title = (
    <Group gap={6} mb={onToggle ? 0 : "xs"}>
      {onToggle && <Chevron size={16} aria-hidden />}
      <Text fw={600}>{section.prefix}</Text>
      <Text size="sm" c="dimmed">
        {section.keys.length}
      </Text>
    </Group>
  );
  return (
    <section aria-label={`Charts of ${section.prefix}`}>
      {onToggle ? (
        <UnstyledButton onClick={onToggle} aria-expanded={isOpen} mb="xs">
          {title}
        </UnstyledButton>
      ) : (
        title
      )}
      <Collapse expanded={isOpen}>
        {isOpen &&
          inGroupsOf(GROUP, section.keys).map((keys) => <PanelGroup key={keys.join()} keys={keys} {...rest} />)}
      </Collapse>
    </section>
  );
}

function PanelGroup({ keys, ...panels }: PanelsProps & { keys: string[] }) {
  const { run, search } = panels;
  const { ref, wasOnScreen } = useOnScreen<HTMLDivElement>("400px");
  const siblings = search.seeds ? run.seeds : [];
  const shown = [{ id: run.id, attempt: run.attempt }, ...siblings.map(({ id }) => ({ id, attempt: 0 }))];
  const whole = useCurves({ runs: shown, keys, steps: null, width: WIDTH }, wasOnScreen, siblings.length > 0);
  const range = rangeIn(search);
  const steps = range && whole.data ? outwards(stepsWithin(whole.data, search.x, range, () => originOf(run))) : null;
  const finer = useCurves({ runs: shown, keys, steps, width: WIDTH }, steps !== null, false);
  const series = (steps && !finer.isPlaceholderData && finer.data) || whole.data;
  return (
    <Box ref={ref} mb="md" mih={PANEL_HEIGHT}>
      <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }} spacing="sm">
        {keys.map((key) =>
          series ? (
            <MetricPanel
              key={key}
              name={key}
              series={series.filter((one) => one.key === key)}
              siblings={siblings}
              range={range}
              {...panels}
            />
          ) : (
            <Skeleton key={key} h={PANEL_HEIGHT} />
          ),
        )}
      </SimpleGrid>
    </Box>
  );
}
