/** The shape of what is on its way. */
import { SimpleGrid, Skeleton, Stack } from "@mantine/core";

export function RowSkeletons({ count = 8, height = 26 }: { count?: number; height?: number }) {
  return (
    <Stack gap={8} p="sm" role="status" aria-busy="true" aria-label="Loading">
      {Array.from({ length: count }, (_, place) => (
        <Skeleton key={place} h={height} w={`${100 - ((place * 7) % 23)}%`} />
      ))}
    </Stack>
  );
}

export function CardSkeletons({ count = 3, height = 140 }: { count?: number; height?: number }) {
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} role="status" aria-busy="true" aria-label="Loading">
      {Array.from({ length: count }, (_, place) => (
        <Skeleton key={place} h={height} />
      ))}
    </SimpleGrid>
  );
}
