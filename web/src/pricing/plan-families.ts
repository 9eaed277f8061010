import type { Plan } from '../api/plans';

/** How the reader would like to pay; a family without that rhythm is shown in its own. */
export type Rhythm = 'monthly' | 'yearly';

/** One offer in all its rhythms: "Pro", monthly and yearly. */
export interface PlanFamily {
  id: string;
  isEnterprise: boolean;
  variants: Plan[];
}

/**
 * Groups plans that are one offer. Siblings are joined by `annual_savings.monthly_plan_id`, and where the service
 * found no saving, by a slug that differs only in its rhythm. Order: `sort_order`, then price.
 */
export function groupPlans(plans: Plan[]): PlanFamily[] {
  const families: PlanFamily[] = [];
  for (const plan of [...plans].sort(byOrder)) {
    const family = families.find(({ variants }) => variants.some((known) => areSiblings(known, plan)));
    const fits = family && !family.variants.some((known) => rhythmOf(known) === rhythmOf(plan));
    if (fits) family.variants.push(plan);
    else families.push({ id: plan.id, isEnterprise: plan.is_enterprise, variants: [plan] });
  }
  return families;
}

/** The variant to show for the chosen rhythm, or the nearest one the family has. */
export function variantFor(family: PlanFamily, rhythm: Rhythm): Plan {
  const exact = family.variants.find((plan) => rhythmOf(plan) === rhythm);
  const shown = exact ?? family.variants[0];
  if (!shown) throw new Error('a plan family has at least one plan');
  return shown;
}

/** The variant in exactly this rhythm, or null. */
export function exactVariant(family: PlanFamily, rhythm: Rhythm): Plan | null {
  return family.variants.find((plan) => rhythmOf(plan) === rhythm) ?? null;
}

/** True when the switch between rhythms would change anything. */
export function hasBothRhythms(families: PlanFamily[]): boolean {
  const rhythms = new Set(
    families.flatMap(({ variants }) => variants.filter(({ amount }) => amount > 0).map(rhythmOf)),
  );
  return rhythms.has('monthly') && rhythms.has('yearly');
}

/** The largest yearly saving in percent over all plans, or null when there is none. */
export function bestSaving(plans: Plan[]): number | null {
  const percents = plans.flatMap(({ annual_savings: saving }) => (saving ? [saving.percent] : []));
  return percents.length === 0 ? null : Math.max(...percents);
}

function byOrder(a: Plan, b: Plan): number {
  return (
    a.sort_order - b.sort_order ||
    a.monthly_equivalent_amount - b.monthly_equivalent_amount ||
    a.amount - b.amount
  );
}

function areSiblings(a: Plan, b: Plan): boolean {
  if (a.currency !== b.currency || a.is_enterprise !== b.is_enterprise) return false;
  if (a.annual_savings?.monthly_plan_id === b.id || b.annual_savings?.monthly_plan_id === a.id) return true;
  return baseSlug(a) === baseSlug(b);
}

function baseSlug({ slug }: Plan): string {
  return slug.replace(/[-_](monthly|month|yearly|annual|annually|year)$/, '');
}

function rhythmOf({ interval, interval_count: count }: Plan): string {
  const months = interval === 'year' ? 12 * count : count;
  if (months === 1) return 'monthly';
  return months === 12 ? 'yearly' : `every ${months} months`;
}
