import { Button, Container, Stack, Text, Title } from '@mantine/core';

/**
 * When a page cannot be drawn. The usual cause is a new release while the tab was open: the old page's files are
 * gone, and loading again brings the new ones.
 */
export function BrokenPage() {
  return (
    <Container size="xs" py={80} component="main">
      <Stack align="center" gap="md">
        <Title order={1} fz="h2" ta="center">
          This page could not be shown
        </Title>
        <Text c="dimmed" ta="center">
          There may be a newer version of it. Loading it again usually helps.
        </Text>
        <Button onClick={() => window.location.reload()}>Load again</Button>
      </Stack>
    </Container>
  );
}
