/** One view beside the frames that it is cut from, and what was drawn for it. */
import { Group, Paper, Stack, Text, Title } from "@mantine/core";

import { Clip } from "@/media/Clip";

import type { Seen } from "./queries";
import classes from "./Views.module.css";
import { placeOf, saidOf, spanOf } from "./words";

export function SeenCard({ seen, number, path }: { seen: Seen; number: number; path: string }) {
  const title = `View ${number}`;
  return (
    <Paper className="card" p="md" component="section" aria-label={title}>
      <Stack gap="xs">
        <Group justify="space-between">
          <Title order={2} size="h6">
            {title}
          </Title>
          <Text size="xs" c="dimmed">
            {seen.size} x {seen.size} px
          </Text>
        </Group>
        <div className={classes.pair}>
          <figure style={{ margin: 0 }}>
            <div className={classes.exact} style={{ aspectRatio: `${seen.source_width} / ${seen.source_height}` }}>
              <Clip url={seen.source_url} label={`Source of view ${number}: ${path}`} />
              <div className={classes.box} style={placeOf(seen)} data-testid="crop-box" />
            </div>
            <Text component="figcaption" size="xs" mt={4}>
              Source, and the part that is cut out
            </Text>
          </figure>
          <figure style={{ margin: 0 }}>
            <div className={`${classes.exact} ${classes.square}`} style={{ aspectRatio: "1 / 1" }}>
              <Clip url={seen.view_url} label={`View ${number} of ${path}`} />
            </div>
            <Text component="figcaption" size="xs" mt={4}>
              What the network is fed
            </Text>
          </figure>
        </div>
        <Text size="xs">{spanOf(seen)}</Text>
        <table className={classes.operations}>
          <tbody>
            {seen.operations.map((operation) => (
              <tr key={operation.name} className={operation.is_applied ? undefined : classes.off}>
                <th scope="row">{operation.name}</th>
                <td>{saidOf(operation)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Stack>
    </Paper>
  );
}
