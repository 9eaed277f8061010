import { Skeleton, Stack, Text, Title } from '@mantine/core';
import classes from './plan-cards.module.css';

/** Cards to come, in the cards' own shape, so that nothing jumps when they arrive. */
export function CardsLoading() {
  return (
    <Stack gap="xl" role="status" aria-label="Loading plans">
      <Skeleton height={44} width={280} mx="auto" radius="md" />
      <div className={classes.grid} style={{ '--plans': 4 }}>
        {[0, 1, 2, 3].map((place) => (
          <div key={place} className={classes.card}>
            <Skeleton height={24} width="55%" />
            <Skeleton height={44} width="70%" />
            <Skeleton height={40} />
            <Stack gap="sm">
              <Skeleton height={14} width="90%" />
              <Skeleton height={14} width="75%" />
              <Skeleton height={14} width="82%" />
              <Skeleton height={14} width="60%" />
            </Stack>
          </div>
        ))}
      </div>
    </Stack>
  );
}

/** A service without public plans. */
export function NoPlans() {
  return (
    <Stack align="center" gap="xs" py="xl" role="status">
      <Title order={2}>No plans yet</Title>
      <Text c="dimmed" ta="center" maw="30rem">
        There is nothing on offer right now. If you have been promised a plan of your own, sign in with your
        key to see it.
      </Text>
    </Stack>
  );
}
