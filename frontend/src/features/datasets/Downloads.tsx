/** What must be downloaded by hand for a data set, and where each part goes. */
import { Anchor, Code, List, Text } from "@mantine/core";

import type { KnownSet } from "./queries";

export function Downloads({ known }: { known: KnownSet }) {
  return (
    <section aria-label="What to download">
      <Text size="sm" fw={500}>
        What must be there
      </Text>
      <Text size="xs" c="dimmed" mb={4}>
        You download it by hand: nothing is ever fetched for you, and nothing in the folder is changed.
      </Text>
      <List size="sm" type="ordered" spacing={6}>
        {known.downloads.map(({ what, url, where, optional }) => (
          <List.Item key={`${what} ${where}`}>
            {url ? (
              <Anchor href={url} target="_blank" rel="noreferrer" size="sm" underline="always">
                {what}
              </Anchor>
            ) : (
              what
            )}
            {optional && " (may be left out)"}
            <br />
            <Code style={{ wordBreak: "break-word" }}>{where}</Code>
          </List.Item>
        ))}
      </List>
    </section>
  );
}
