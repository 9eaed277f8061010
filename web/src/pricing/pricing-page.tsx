import { Container, Stack, Text, Title } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import { ApiProblem } from '../api/api';
import { plansQuery, type PlanList } from '../api/plans';
import { standingOf, subscriptionQuery, type Subscription } from '../api/subscription';
import { useCheckout } from '../checkout/use-checkout';
import { ProblemAlert } from '../layout/problem-alert';
import { usePageTitle } from '../layout/use-page-title';
import { useRefusedKey, useSession } from '../session/use-session';
import { ComparisonTable } from './comparison-table';
import { CouponField } from './coupon-field';
import { PlanCards, type Holding } from './plan-cards';
import { bestSaving, groupPlans, hasBothRhythms, type Rhythm } from './plan-families';
import classes from './pricing-page.module.css';
import { CardsLoading, NoPlans } from './pricing-states';
import { RhythmSwitch } from './rhythm-switch';

/** The public price list: every plan the reader may buy, and the way to buy it. */
export function Component() {
  const heading = usePageTitle('Plans and prices');
  const session = useSession();
  const plans = useQuery({ ...plansQuery(session), placeholderData: keepPreviousData });
  const subscription = useQuery(subscriptionQuery(session));
  useRefusedKey(session, plans.error, subscription.error);

  // A refused key is dropped and the public list is asked for: no error for what mends itself.
  const refused = plans.error instanceof ApiProblem && plans.error.status === 401;
  return (
    <Container size="lg">
      <Stack gap="xs" align="center" className={classes.intro}>
        <Title order={1} ta="center" ref={heading} tabIndex={-1}>
          A plan for every stage
        </Title>
        <Text ta="center" c="dimmed" maw="38rem" fz="lg">
          Start small, change whenever you like. You see the whole price before you pay.
        </Text>
      </Stack>
      {plans.data ? (
        <PriceList list={plans.data} subscription={subscription.data ?? null} />
      ) : plans.isError && !refused ? (
        <div className={classes.problem}>
          <ProblemAlert
            error={plans.error}
            onRetry={() => void plans.refetch()}
            retrying={plans.isFetching}
          />
        </div>
      ) : (
        <CardsLoading />
      )}
    </Container>
  );
}

function PriceList({ list, subscription }: { list: PlanList; subscription: Subscription | null }) {
  const [address, setAddress] = useSearchParams();
  const [coupon, setCoupon] = useState('');
  const checkout = useCheckout();
  // A refused action names the plan that would have allowed it.
  const suggested = list.data.find(({ slug }) => slug === address.get('plan')) ?? null;
  const interval = address.get('interval') ?? (suggested?.interval === 'year' ? 'yearly' : 'monthly');
  const rhythm: Rhythm = interval === 'yearly' ? 'yearly' : 'monthly';
  const families = groupPlans(list.data);
  if (families.length === 0) return <NoPlans />;

  const changeRhythm = (next: Rhythm): void => {
    checkout.forgetProblem();
    const plan = suggested ? { plan: suggested.slug } : {};
    const changed = next === 'yearly' || suggested ? { ...plan, interval: next } : {};
    setAddress(changed, { replace: true, preventScrollReset: true });
  };
  const changeCoupon = (code: string): void => {
    checkout.forgetProblem();
    setCoupon(code);
  };

  const couponProblem = isCouponProblem(checkout.problem?.error) ? checkout.problem?.error : undefined;
  const listed = list.data.some(({ id }) => id === checkout.problem?.planId);
  return (
    <Stack gap="xl">
      <Stack gap="md" align="center">
        {hasBothRhythms(families) && (
          <RhythmSwitch rhythm={rhythm} saving={bestSaving(list.data)} onChange={changeRhythm} />
        )}
        <CouponField code={coupon} problem={couponProblem} onChange={changeCoupon} />
      </Stack>
      {checkout.problem && !listed && <ProblemAlert error={checkout.problem.error} />}
      <PlanCards
        families={families}
        rhythm={rhythm}
        suggestedId={suggested?.id ?? null}
        holding={subscription && holdingOf(subscription)}
        busyPlanId={checkout.busyPlanId}
        problem={couponProblem ? null : checkout.problem}
        onChoose={(plan) => checkout.choose(plan, coupon.trim())}
      />
      <ComparisonTable families={families} rhythm={rhythm} matrix={list.comparison} />
    </Stack>
  );
}

function holdingOf(subscription: Subscription): Holding {
  return {
    planId: subscription.plan?.id ?? null,
    standing: standingOf(subscription),
    hadTrial: Boolean(subscription.trial?.started_at),
  };
}

/** The code was refused, or could not even be one. */
function isCouponProblem(error: Error | undefined): error is ApiProblem {
  if (!(error instanceof ApiProblem)) return false;
  return error.code === 'coupon_invalid' || error.errors.some(({ pointer }) => pointer === '/coupon');
}
