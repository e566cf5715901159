/** Which runs are shown: search, chips, columns. */
import { Group, MultiSelect, Select, SegmentedControl, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";

import { ColumnPicker } from "@/ui/ColumnPicker";
import { KIND_LOOKS, STATE_LOOKS } from "@/ui/StatePill";
import { isIn } from "@/ui/useUrlState";

import { RUN_COLUMNS } from "./columns";
import { KINDS, type RunsSearch, STATES } from "./search";

interface FiltersProps {
  search: RunsSearch;
  experiments: readonly { id: number; name: string }[];
  onChange: (patch: Partial<RunsSearch>) => void;
}

export function Filters({ search, experiments, onChange }: FiltersProps) {
  const narrow = (patch: Partial<RunsSearch>) => onChange({ ...patch, page: undefined as never });
  return (
    <Group gap="xs" mb="sm" align="center">
      <SearchBox q={search.q} onSearch={(q) => narrow({ q })} />
      <Select
        size="xs"
        w={170}
        placeholder="All experiments"
        aria-label="Experiment"
        clearable
        searchable
        data={experiments.map(({ id, name }) => ({ value: String(id), label: name }))}
        value={search.experiment === undefined ? null : String(search.experiment)}
        onChange={(value) => narrow({ experiment: value ? Number(value) : undefined })}
      />
      <MultiSelect
        size="xs"
        miw={150}
        maw={300}
        placeholder={search.kinds.length ? undefined : "All kinds"}
        aria-label="Kinds"
        clearable
        data={KINDS.map((kind) => ({ value: kind, label: KIND_LOOKS[kind].word }))}
        value={[...search.kinds]}
        onChange={(kinds) => narrow({ kinds: kinds.filter((one) => isIn(KINDS, one)) })}
      />
      <MultiSelect
        size="xs"
        miw={150}
        maw={300}
        placeholder={search.states.length ? undefined : "All states"}
        aria-label="States"
        clearable
        data={STATES.map((state) => ({ value: state, label: STATE_LOOKS[state].word }))}
        value={[...search.states]}
        onChange={(states) => narrow({ states: states.filter((one) => isIn(STATES, one)) })}
      />
      <SegmentedControl
        size="xs"
        aria-label="Archive"
        data={[
          { value: "shown", label: "Current" },
          { value: "archived", label: "Archive" },
        ]}
        value={search.archived ? "archived" : "shown"}
        onChange={(value) => narrow({ archived: value === "archived" })}
      />
      <Group ml="auto">
        <ColumnPicker columns={RUN_COLUMNS} hidden={search.hide} onChange={(hide) => onChange({ hide })} />
      </Group>
    </Group>
  );
}

function SearchBox({ q, onSearch }: { q: string | undefined; onSearch: (q: string | undefined) => void }) {
  const [text, setText] = useState(q ?? "");
  const search = useDebouncedCallback(onSearch, 200);
  return (
    <TextInput
      size="xs"
      w={230}
      type="search"
      placeholder="Name, number, tag or recipe"
      aria-label="Search runs"
      leftSection={<IconSearch size={14} aria-hidden />}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        search(event.currentTarget.value.trim() || undefined);
      }}
    />
  );
}
