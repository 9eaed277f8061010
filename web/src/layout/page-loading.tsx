import { Container, Skeleton, Stack } from '@mantine/core';

/** What stands in for a page while its code is fetched. */
export function PageLoading() {
  return (
    <Container size="lg" py="xl" role="status" aria-label="Loading the page">
      <Stack gap="lg" align="center">
        <Skeleton height={44} width="min(26rem, 90%)" />
        <Skeleton height={20} width="min(34rem, 100%)" />
        <Skeleton height={320} />
      </Stack>
    </Container>
  );
}
