import { Button, Menu, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { standingOf, subscriptionQuery, type Standing, type Subscription } from '../api/subscription';
import { signOut } from '../session/session';
import { useSignIn } from '../session/sign-in';
import { useSession } from '../session/use-session';
import classes from './session-menu.module.css';

/** The header's word on who is reading: sign in, or "Signed in" with the plan and the way out. */
export function SessionMenu() {
  const session = useSession();
  const askForKey = useSignIn();
  const subscription = useQuery(subscriptionQuery(session));

  if (session.key === null) {
    return (
      <Button variant="default" size="sm" onClick={() => askForKey()}>
        Sign in
      </Button>
    );
  }
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Button variant="default" size="sm" leftSection={<span className={classes.dot} />}>
          Signed in
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text size="sm">{subscription.data ? planLine(subscription.data) : 'Tenant key in this tab'}</Text>
        </Menu.Label>
        <Menu.Divider />
        <Menu.Item onClick={signOut}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

const STANDING_WORDS: Record<Standing, string> = {
  none: 'No plan yet',
  own_trial: 'on trial',
  free: 'free',
  subscribed: 'subscribed',
};

function planLine(subscription: Subscription): string {
  const standing = standingOf(subscription);
  return subscription.plan && standing !== 'none'
    ? `${subscription.plan.name}, ${STANDING_WORDS[standing]}`
    : STANDING_WORDS.none;
}
