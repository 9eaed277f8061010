import type { Plan } from '../api/plans';
import type { Standing } from '../api/subscription';
import { PlanCard } from './plan-card';
import classes from './plan-cards.module.css';
import { exactVariant, variantFor, type PlanFamily, type Rhythm } from './plan-families';

/** What the signed-in tenant has now. */
export interface HeldPlan {
  planId: string | null;
  standing: Standing;
}

interface Props {
  families: PlanFamily[];
  rhythm: Rhythm;
  held: HeldPlan | null;
  busyPlanId: string | null;
  problem: { planId: string; error: Error } | null;
  onChoose: (plan: Plan) => void;
}

/** All offers as cards; a tenant's own plans stand first, across the whole width. */
export function PlanCards({ families, rhythm, held, busyPlanId, problem, onChoose }: Props) {
  const shown = families.map((family) => ({ family, plan: variantFor(family, rhythm) }));
  const plans = shown.map(({ plan }) => plan);
  const cardOf = ({ family, plan }: { family: PlanFamily; plan: Plan }) => (
    <PlanCard
      key={family.id}
      plan={plan}
      yearlySibling={rhythm === 'monthly' ? exactVariant(family, 'yearly') : null}
      lower={plans.find(({ comparison }) => comparison.next_plan?.plan_id === plan.id) ?? null}
      recommendation={family.variants.find(({ recommended }) => recommended) ?? null}
      held={held && held.planId === plan.id ? held.standing : null}
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
