import { Alert, Button, Stack, Text } from '@mantine/core';
import { problemWords, requestNumber } from '../api/problem-words';

interface Props {
  error: unknown;
  /** Offers to try again; without it the advice has to do. */
  onRetry?: () => void;
  retrying?: boolean;
}

/** A failure where it happened: what, what to do, and the number for support. */
export function ProblemAlert({ error, onRetry, retrying = false }: Props) {
  const { title, advice } = problemWords(error);
  const number = requestNumber(error);
  return (
    <Alert color="orange" variant="light" title={title} role="alert" ta="left">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{advice}</Text>
        {number !== null && (
          <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            Request {number}
          </Text>
        )}
        {onRetry && (
          <Button size="sm" variant="default" loading={retrying} onClick={onRetry}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}
