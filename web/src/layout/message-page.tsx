import { Container, Group, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './message-page.module.css';
import { usePageTitle } from './use-page-title';

interface Props {
  icon: ReactNode;
  title: string;
  /** The quiet sentence under the title. */
  text?: ReactNode;
  tone?: 'accent' | 'quiet';
  /** Facts between text and actions. */
  children?: ReactNode;
  actions?: ReactNode;
}

/** A page that says one thing: an icon, a title, a sentence, and what to do next. */
export function MessagePage({ icon, title, text, tone = 'accent', children, actions }: Props) {
  const heading = usePageTitle(title);
  return (
    <Container size="xs">
      <div className={classes.sheet}>
        <Stack gap="lg" align="center">
          <ThemeIcon size={64} radius="xl" variant="light" color={tone === 'accent' ? 'pine' : 'gray'}>
            {icon}
          </ThemeIcon>
          <Stack gap="xs" align="center">
            <Title order={1} ta="center" fz="clamp(1.5rem, 1.2rem + 1.4vw, 2rem)" ref={heading} tabIndex={-1}>
              {title}
            </Title>
            {text !== undefined && (
              <Text ta="center" c="dimmed" component="div">
                {text}
              </Text>
            )}
          </Stack>
          {children}
          {actions !== undefined && (
            <Group justify="center" gap="sm" w="100%">
              {actions}
            </Group>
          )}
        </Stack>
      </div>
    </Container>
  );
}
