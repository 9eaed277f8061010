import { Badge, Button, Text, Title } from '@mantine/core';
import { useEffect, useId, useRef } from 'react';
import type { Plan } from '../api/plans';
import { ProblemAlert } from '../layout/problem-alert';
import { CheckIcon } from '../layout/icons';
import classes from './plan-card.module.css';
import grid from './plan-cards.module.css';
import { PlanPrice } from './plan-price';
import { featureName, limitPhrase } from './plan-words';

/** How the tenant holds an offer already. */
export type Hold =
  { kind: 'current' } | { kind: 'trial' } | { kind: 'other_rhythm'; interval: Plan['interval'] };

interface Props {
  plan: Plan;
  /** The same offer paid yearly, when the card shows the monthly one. */
  yearlySibling: Plan | null;
  /** The next plan down: its features need not be listed again. */
  lower: Plan | null;
  /** The variant of this offer that the service recommends, or null. */
  recommendation: Plan | null;
  /** The reader was sent here for this offer: it comes into view and says so. */
  isSuggested: boolean;
  hold: Hold | null;
  /** False when this tenant has had its free days. */
  offersTrial: boolean;
  isBusy: boolean;
  /** True while another card's purchase is being opened. */
  isWaiting: boolean;
  error: Error | null;
  onChoose: () => void;
}

/** One offer: what it costs, what it brings, and the button to get it. */
export function PlanCard(props: Props) {
  const {
    plan,
    yearlySibling,
    lower,
    recommendation,
    isSuggested,
    hold,
    offersTrial,
    isBusy,
    isWaiting,
    error,
    onChoose,
  } = props;
  const name = useId();
  const card = useRef<HTMLElement>(null);
  useEffect(() => {
    if (isSuggested) card.current?.scrollIntoView({ block: 'nearest' });
  }, [isSuggested]);
  const isCurrent = hold?.kind === 'current';
  return (
    <article
      ref={card}
      aria-labelledby={name}
      className={`${grid.card} ${classes.card}`}
      data-recommended={recommendation !== null || isSuggested || undefined}
      data-enterprise={plan.is_enterprise || undefined}
    >
      <header className={classes.head}>
        <Title order={2} id={name} className={classes.name}>
          {plan.name}
        </Title>
        <Labels plan={plan} isRecommended={recommendation !== null} isSuggested={isSuggested} hold={hold} />
        {plan.description !== null && (
          <Text size="sm" c="dimmed">
            {plan.description}
          </Text>
        )}
      </header>
      <PlanPrice plan={plan} yearlySibling={yearlySibling} offersTrial={offersTrial} />
      <div className={classes.action}>
        <Button
          fullWidth
          size="md"
          classNames={{ root: classes.button, label: classes.buttonLabel }}
          variant={recommendation || isSuggested || plan.is_enterprise ? 'filled' : 'default'}
          loading={isBusy}
          disabled={isCurrent || isWaiting}
          onClick={onChoose}
        >
          {isCurrent ? 'Your current plan' : `Choose ${plan.name}`}
        </Button>
        {error && <ProblemAlert error={error} />}
      </div>
      <Contents plan={plan} lower={lower} reason={recommendation?.recommendation_reason?.message ?? null} />
    </article>
  );
}

interface LabelsProps {
  plan: Plan;
  isRecommended: boolean;
  isSuggested: boolean;
  hold: Hold | null;
}

function Labels({ plan, isRecommended, isSuggested, hold }: LabelsProps) {
  if (!hold && !isRecommended && !isSuggested && !plan.is_enterprise) return null;
  return (
    <div className={classes.labels}>
      {plan.is_enterprise && <Badge className={classes.label}>Made for you</Badge>}
      {/* Who has it already needs no recommendation, and a narrow card has room for one label. */}
      {(isSuggested || isRecommended) && hold?.kind !== 'current' && (
        <Badge className={classes.label}>{isSuggested ? 'Suggested for you' : 'Recommended'}</Badge>
      )}
      {hold && (
        <Badge className={classes.label} variant="outline">
          {holdWords(hold)}
        </Badge>
      )}
    </div>
  );
}

function holdWords(hold: Hold): string {
  if (hold.kind === 'current') return 'Current plan';
  if (hold.kind === 'trial') return 'Your trial plan';
  return hold.interval === 'year' ? 'Yours, paid yearly' : 'Yours, paid monthly';
}

function Contents({ plan, lower, reason }: { plan: Plan; lower: Plan | null; reason: string | null }) {
  const limits = Object.entries(plan.limits).filter(([, limit]) => limit !== 0);
  const builtOn = lower && lower.features.length > 0 && includesAll(plan, lower) ? lower : null;
  const features = builtOn
    ? plan.features.filter((feature) => !builtOn.features.includes(feature))
    : plan.features;
  return (
    <div className={classes.contents}>
      {reason !== null && (
        <Text size="sm" className={classes.reason}>
          {reason}
        </Text>
      )}
      {limits.length > 0 && (
        <ul className={classes.list} aria-label="Limits">
          {limits.map(([metric, limit]) => (
            <Line key={metric}>{limitPhrase(metric, limit)}</Line>
          ))}
        </ul>
      )}
      {builtOn && (
        <Text size="sm" fw={600}>
          {features.length > 0 ? `Everything in ${builtOn.name}, and` : `Everything in ${builtOn.name}`}
        </Text>
      )}
      {features.length > 0 && (
        <ul className={classes.list} aria-label="Features">
          {features.map((feature) => (
            <Line key={feature}>{featureName(feature)}</Line>
          ))}
        </ul>
      )}
    </div>
  );
}

function Line({ children }: { children: string }) {
  return (
    <li className={classes.line}>
      <span className={classes.tick}>
        <CheckIcon size={16} />
      </span>
      <span>{children}</span>
    </li>
  );
}

function includesAll(plan: Plan, lower: Plan): boolean {
  return lower.features.every((feature) => plan.features.includes(feature));
}
