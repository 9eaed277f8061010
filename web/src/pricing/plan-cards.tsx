import type { Plan } from '../api/plans';
import type { Standing } from '../api/subscription';
import { PlanCard, type Hold } from './plan-card';
import classes from './plan-cards.module.css';
import { exactVariant, variantFor, type PlanFamily, type Rhythm } from './plan-families';

/** What the signed-in tenant has now. */
export interface Holding {
  planId: string | null;
  standing: Standing;
  /** A plan's free days are for tenants that never had a trial (the service grants them once). */
  hadTrial: boolean;
}

interface Props {
  families: PlanFamily[];
  rhythm: Rhythm;
  /** The plan that the reader was sent here for. */
  suggestedId: string | null;
  holding: Holding | null;
  busyPlanId: string | null;
  problem: { planId: string; error: Error } | null;
  onChoose: (plan: Plan) => void;
}

/** All offers as cards; a tenant's own plans stand first, across the whole width. */
export function PlanCards({ families, rhythm, suggestedId, holding, busyPlanId, problem, onChoose }: Props) {
  const shown = families.map((family) => ({ family, plan: variantFor(family, rhythm) }));
  const plans = shown.map(({ plan }) => plan);
  const cardOf = ({ family, plan }: { family: PlanFamily; plan: Plan }) => (
    <PlanCard
      key={family.id}
      plan={plan}
      yearlySibling={rhythm === 'monthly' ? exactVariant(family, 'yearly') : null}
      lower={plans.find(({ comparison }) => comparison.next_plan?.plan_id === plan.id) ?? null}
      recommendation={family.variants.find(({ recommended }) => recommended) ?? null}
      isSuggested={family.variants.some(({ id }) => id === suggestedId)}
      hold={holdOf(family, plan, holding)}
      offersTrial={!holding?.hadTrial}
      isBusy={busyPlanId === plan.id}
      isWaiting={busyPlanId !== null && busyPlanId !== plan.id}
      error={problem?.planId === plan.id ? problem.error : null}
      onChoose={() => onChoose(plan)}
    />
  );
  const own = shown.filter(({ family }) => family.isEnterprise);
  const offered = shown.filter(({ family }) => !family.isEnterprise);
  return (
    <section aria-label="Plans" className={classes.all}>
      {own.length > 0 && <div className={classes.own}>{own.map(cardOf)}</div>}
      {offered.length > 0 && (
        <div className={classes.grid} style={{ '--plans': offered.length }}>
          {offered.map(cardOf)}
        </div>
      )}
    </section>
  );
}

/** How the tenant holds this offer: this very plan, the same offer in another rhythm, or not at all. */
function holdOf({ variants }: PlanFamily, shown: Plan, holding: Holding | null): Hold | null {
  if (!holding || holding.standing === 'none') return null;
  const held = variants.find(({ id }) => id === holding.planId);
  if (!held) return null;
  if (holding.standing === 'own_trial') return { kind: 'trial' };
  return held.id === shown.id ? { kind: 'current' } : { kind: 'other_rhythm', interval: held.interval };
}
