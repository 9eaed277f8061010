import { Anchor, Button, Progress, Stack, Text } from '@mantine/core';
import { Link, useSearchParams } from 'react-router';
import type { Subscription } from '../api/subscription';
import { AttentionIcon, BackIcon, CheckIcon, ClockIcon, KeyIcon } from '../layout/icons';
import { MessagePage } from '../layout/message-page';
import type { Session } from '../session/session';
import { useSignIn } from '../session/sign-in';
import { useSession } from '../session/use-session';
import { GIVE_UP_AFTER_MS, waitingWords, type Confirmation } from './confirmation';
import { PurchaseFacts } from './purchase-facts';
import classes from './return-page.module.css';
import { useConfirmation } from './use-confirmation';

/** Where Stripe sends the reader after paying: says what came of it as soon as the service knows. */
export function Component() {
  const session = useSession();
  const [address] = useSearchParams();
  const checkoutId = address.get('session_id');
  const free = address.get('free') === '1';

  if (checkoutId === null && !free) return <NothingToConfirm />;
  if (session.key === null) return <NoKeyHere />;
  return <Confirming session={session} checkoutId={free ? null : checkoutId} />;
}

function Confirming({ session, checkoutId }: { session: Session; checkoutId: string | null }) {
  const { confirmation, elapsedMs, unknown, askAgain } = useConfirmation(session, checkoutId);
  return (
    <div aria-live="polite">
      {unknown ? (
        <NothingToConfirm />
      ) : (
        <Outcome confirmation={confirmation} elapsedMs={elapsedMs} onAskAgain={askAgain} />
      )}
    </div>
  );
}

interface OutcomeProps {
  confirmation: Confirmation;
  elapsedMs: number;
  onAskAgain: () => void;
}

function Outcome({ confirmation, elapsedMs, onAskAgain }: OutcomeProps) {
  switch (confirmation.kind) {
    case 'confirming':
      return <Waiting elapsedMs={elapsedMs} />;
    case 'active':
      return <Active confirmation={confirmation} />;
    case 'open':
      return <StillOpen url={confirmation.url} />;
    case 'expired':
      return <Expired />;
    case 'gave_up':
      return <GaveUp onAskAgain={onAskAgain} />;
  }
}

function Waiting({ elapsedMs }: { elapsedMs: number }) {
  return (
    <MessagePage
      icon={<ClockIcon size={32} />}
      title="Confirming your purchase"
      text={waitingWords(elapsedMs)}
    >
      <Progress w="100%" value={progressOf(elapsedMs)} aria-label="Confirmation" transitionDuration={500} />
    </MessagePage>
  );
}

/** Nobody knows how long it takes: quick at first, ever slower, never full before the answer is here. */
function progressOf(elapsedMs: number): number {
  return Math.round(8 + 87 * (1 - Math.exp((-3 * elapsedMs) / GIVE_UP_AFTER_MS)));
}

function Active({ confirmation }: { confirmation: Extract<Confirmation, { kind: 'active' }> }) {
  const { subscription } = confirmation;
  return (
    <MessagePage
      icon={
        <span className={classes.drawn}>
          <CheckIcon size={36} />
        </span>
      }
      title={subscription.plan ? `You are on ${subscription.plan.name}` : 'Your plan is active'}
      text={activeWords(subscription)}
      actions={
        <Button component={Link} to="/pricing" variant="default">
          Back to plans
        </Button>
      }
    >
      <PurchaseFacts subscription={subscription} />
    </MessagePage>
  );
}

function activeWords({ status, plan }: Subscription): string {
  if (status === 'FREE' || plan?.amount === 0) return 'Everything is ready. There is nothing to pay.';
  if (status === 'TRIALING') return 'Your free trial has begun. Nothing is charged before it ends.';
  return 'Thank you. Your payment is confirmed and everything is ready.';
}

function StillOpen({ url }: { url: string | null }) {
  return (
    <MessagePage
      tone="quiet"
      icon={<ClockIcon size={32} />}
      title="This purchase is not paid yet"
      text="Nothing was charged so far. You can continue where you left off."
      actions={
        <>
          {url !== null && /^https?:/.test(url) && (
            <Button component="a" href={url}>
              Continue to payment
            </Button>
          )}
          <PlansButton />
        </>
      }
    />
  );
}

function Expired() {
  return (
    <MessagePage
      tone="quiet"
      icon={<ClockIcon size={32} />}
      title="This checkout has expired"
      text="Nothing was charged. Choose your plan again to get a fresh one."
      actions={
        <Button component={Link} to="/pricing">
          Choose a plan
        </Button>
      }
    />
  );
}

function GaveUp({ onAskAgain }: { onAskAgain: () => void }) {
  return (
    <MessagePage
      tone="quiet"
      icon={<AttentionIcon size={32} />}
      title="The confirmation is late"
      text={
        <Stack gap="xs">
          <Text>If you have paid, your plan will start by itself as soon as the confirmation arrives.</Text>
          <Text>Please do not pay a second time. If nothing has changed in an hour, contact support.</Text>
        </Stack>
      }
      actions={
        <>
          <Button onClick={onAskAgain}>Check again</Button>
          <PlansButton />
        </>
      }
    />
  );
}

function NoKeyHere() {
  const askForKey = useSignIn();
  return (
    <MessagePage
      tone="quiet"
      icon={<KeyIcon size={32} />}
      title="Sign in to see your purchase"
      text="This tab does not know who you are. If you have paid, your plan starts in any case."
      actions={
        <>
          <Button onClick={() => askForKey()}>Sign in</Button>
          <PlansButton />
        </>
      }
    />
  );
}

function NothingToConfirm() {
  return (
    <MessagePage
      tone="quiet"
      icon={<AttentionIcon size={32} />}
      title="We do not know this checkout"
      text="The address may be incomplete, or the purchase belongs to another account."
      actions={
        <Anchor component={Link} to="/pricing">
          See plans and prices
        </Anchor>
      }
    />
  );
}

function PlansButton() {
  return (
    <Button component={Link} to="/pricing" variant="default" leftSection={<BackIcon size={16} />}>
      Back to plans
    </Button>
  );
}
