import { Alert, Button, Group, Modal, PasswordInput, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { ApiProblem } from '../api/api';
import { problemWords } from '../api/problem-words';
import { fetchSubscription } from '../api/subscription';
import { tidyKey } from './session';

/** Answers that say the key is no tenant's key; any other refusal is about the tenant, and the key is right. */
const NOT_A_TENANT_KEY = new Set(['unauthenticated', 'tenant_header_required', 'insufficient_scope']);

interface Props {
  opened: boolean;
  /** Why the reader is asked again, or null at the first time. */
  notice: string | null;
  onAccept: (key: string) => void;
  onClose: () => void;
}

/** "Paste your tenant key": tries the key at the service before it is kept. */
export function SignInDialog({ opened, notice, onAccept, onClose }: Props) {
  const [pasted, setPasted] = useState('');
  const [malformed, setMalformed] = useState(false);
  const trial = useMutation({
    mutationFn: tryKey,
    onSuccess: (key) => {
      setPasted('');
      onAccept(key);
    },
  });

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const key = tidyKey(pasted);
    setMalformed(key === null);
    if (key !== null && !trial.isPending) trial.mutate(key);
  };

  const close = (): void => {
    setPasted('');
    setMalformed(false);
    trial.reset();
    onClose();
  };

  return (
    <Modal
      opened={opened}
      onClose={close}
      title={
        <Text component="span" fz="lg" fw={650}>
          Sign in
        </Text>
      }
      centered
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          {notice !== null && !trial.isError && (
            <Alert color="yellow" variant="light" role="alert">
              {notice}
            </Alert>
          )}
          <PasswordInput
            label="Paste your tenant key"
            description="It stays in this browser tab and is forgotten when you close it."
            placeholder="tb_…"
            autoComplete="off"
            spellCheck={false}
            data-autofocus
            value={pasted}
            onChange={(event) => {
              setPasted(event.currentTarget.value);
              setMalformed(false);
            }}
            error={errorText(malformed, trial.error)}
            visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the key', tabIndex: 0 }}
          />
          <Group justify="space-between" gap="sm">
            <Text size="sm" c="dimmed">
              No key? Your administrator can make one.
            </Text>
            <Button type="submit" loading={trial.isPending}>
              Sign in
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

async function tryKey(key: string): Promise<string> {
  try {
    await fetchSubscription(key);
  } catch (error) {
    const tenantKnown = error instanceof ApiProblem && error.isFinal && !NOT_A_TENANT_KEY.has(error.code);
    if (!tenantKnown) throw error;
  }
  return key;
}

function errorText(malformed: boolean, error: unknown): string | null {
  if (malformed) return 'This is not a key. Copy it again, without spaces inside.';
  if (!error) return null;
  const { title, advice } = problemWords(error);
  return `${title}. ${advice}`;
}
