/** Ctrl-K: runs by name or number, pages, recipes. */
import { Group, Modal, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconActivity, IconRocket, IconSearch, type TablerIcon } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useState } from "react";

import { recipesQuery } from "@/api/queries";
import { KIND_LOOKS, StatePill } from "@/ui/StatePill";

import classes from "./Palette.module.css";
import { foundRunsQuery } from "./queries";
import { PLACES } from "./rail";

interface Hit {
  key: string;
  icon: TablerIcon;
  label: string;
  detail: React.ReactNode;
  to: string;
}

export function Palette({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  return (
    <Modal.Root opened={isOpen} onClose={onClose} size={560} yOffset="12vh" centered={false}>
      <Modal.Overlay backgroundOpacity={0.35} blur={2} />
      <Modal.Content aria-label="Search runs, pages and recipes">
        <Modal.Body p={0}>{isOpen && <Finder onClose={onClose} />}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

function Finder({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [place, setPlace] = useState(0);
  const navigate = useNavigate();
  const hits = useHits(text);
  const open = (hit: Hit | undefined) => {
    if (!hit) return;
    onClose();
    void navigate({ to: hit.to });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setPlace((old) => (old + step + hits.length) % Math.max(1, hits.length));
    }
    if (event.key === "Enter") open(hits[place]);
  };
  return (
    <div>
      <TextInput
        data-autofocus
        variant="unstyled"
        size="md"
        px="md"
        placeholder="Run, number, page or recipe"
        aria-label="Run, number, page or recipe"
        leftSection={<IconSearch size={16} aria-hidden />}
        value={text}
        onKeyDown={onKeyDown}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setPlace(0);
        }}
      />
      <div className={classes.hits}>
        {hits.map((hit, at) => (
          <UnstyledButton key={hit.key} className={classes.hit} data-active={at === place || undefined} onClick={() => open(hit)} onMouseEnter={() => setPlace(at)}>
            <hit.icon size={16} stroke={1.6} aria-hidden />
            <span className="ellipsis">{hit.label}</span>
            <Group gap="xs" ml="auto" wrap="nowrap">
              {hit.detail}
            </Group>
          </UnstyledButton>
        ))}
        {hits.length === 0 && (
          <Text c="dimmed" fz="sm" p="md">
            Nothing is called that.
          </Text>
        )}
      </div>
    </div>
  );
}

function useHits(text: string): Hit[] {
  const [q] = useDebouncedValue(text.trim(), 120);
  const runs = useQuery(foundRunsQuery(q));
  const recipes = useQuery(recipesQuery);
  const has = (words: string) => words.toLowerCase().includes(text.trim().toLowerCase());
  const faint = (words: string) => (
    <Text c="dimmed" fz="xs">
      {words}
    </Text>
  );
  return [
    ...PLACES.filter(({ label }) => has(label)).map(({ to, label, icon }) => ({ key: to, icon, label, to, detail: faint("page") })),
    ...(runs.data?.items ?? []).map(({ id, name, state, kind, failure }) => ({
      key: `run ${id}`,
      icon: KIND_LOOKS[kind].icon ?? IconActivity,
      label: name,
      to: `/runs/${id}`,
      detail: (
        <>
          {faint(`#${id}`)}
          <StatePill state={state} failure={failure} />
        </>
      ),
    })),
    ...(recipes.data ?? [])
      .filter(({ name, title }) => text && has(`${name} ${title}`))
      .map(({ name, title }) => ({ key: `recipe ${name}`, icon: IconRocket, label: title, to: `/launch?recipe=${encodeURIComponent(name)}`, detail: faint("recipe") })),
  ];
}
