import { Title, VisuallyHidden } from '@mantine/core';
import { useId, type ReactNode } from 'react';
import type { Plan, PlanMatrix } from '../api/plans';
import { CheckIcon, DashIcon } from '../layout/icons';
import { formatMoney, intervalWords } from '../money/money';
import classes from './comparison-table.module.css';
import { variantFor, type PlanFamily, type Rhythm } from './plan-families';
import { featureName, limitCell, metricName } from './plan-words';

interface Props {
  families: PlanFamily[];
  rhythm: Rhythm;
  matrix: PlanMatrix;
}

/** Everything against everything: one column a plan, one row a limit or feature. */
export function ComparisonTable({ families, rhythm, matrix }: Props) {
  const title = useId();
  const plans = families.map((family) => ({
    plan: variantFor(family, rhythm),
    recommended: family.variants.some(({ recommended }) => recommended),
  }));
  if (matrix.limits.length + matrix.features.length === 0) return null;
  return (
    <section aria-labelledby={title} className={classes.section}>
      <Title order={2} id={title} ta="center">
        Compare all plans
      </Title>
      {/* Focusable, so that a keyboard can scroll it sideways. */}
      <div className={classes.scroller} role="region" aria-labelledby={title} tabIndex={0}>
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col" className={classes.first}>
                <VisuallyHidden>What is included</VisuallyHidden>
              </th>
              {plans.map(({ plan, recommended }) => (
                <th key={plan.id} scope="col" data-recommended={recommended || undefined}>
                  <span className={classes.plan}>{plan.name}</span>
                  <span className={classes.price}>{priceOf(plan)}</span>
                </th>
              ))}
            </tr>
          </thead>
          <Rows title="Limits" columns={plans.length}>
            {matrix.limits.map((row) => (
              <tr key={row.metric}>
                <th scope="row" className={classes.first}>
                  {metricName(row.metric)}
                </th>
                {plans.map(({ plan, recommended }) => (
                  <td key={plan.id} data-recommended={recommended || undefined}>
                    {limitCell(row.plans[plan.id]) ?? <NotIncluded />}
                  </td>
                ))}
              </tr>
            ))}
          </Rows>
          <Rows title="Features" columns={plans.length}>
            {matrix.features.map((row) => (
              <tr key={row.feature}>
                <th scope="row" className={classes.first}>
                  {featureName(row.feature)}
                </th>
                {plans.map(({ plan, recommended }) => (
                  <td key={plan.id} data-recommended={recommended || undefined}>
                    {row.plans[plan.id] ? <Included /> : <NotIncluded />}
                  </td>
                ))}
              </tr>
            ))}
          </Rows>
        </table>
      </div>
    </section>
  );
}

function Rows({ title, columns, children }: { title: string; columns: number; children: ReactNode[] }) {
  if (children.length === 0) return null;
  return (
    <tbody>
      <tr>
        <th scope="rowgroup" className={`${classes.first} ${classes.group}`}>
          {title}
        </th>
        <td className={classes.group} colSpan={columns} />
      </tr>
      {children}
    </tbody>
  );
}

function Included() {
  return (
    <span className={classes.yes}>
      <CheckIcon size={18} />
      <VisuallyHidden>Included</VisuallyHidden>
    </span>
  );
}

function NotIncluded() {
  return (
    <span className={classes.no}>
      <DashIcon size={18} />
      <VisuallyHidden>Not included</VisuallyHidden>
    </span>
  );
}

function priceOf(plan: Plan): string {
  if (plan.amount === 0) return formatMoney(0, plan.currency);
  return `${formatMoney(plan.amount, plan.currency)} / ${intervalWords(plan.interval, plan.interval_count)}`;
}
