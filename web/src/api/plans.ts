import { queryOptions } from '@tanstack/react-query';
import type { Session } from '../session/session';
import { request } from './api';

/** A plan as `GET /v1/plans` lists it; amounts are whole minor units of `currency`. */
export interface Plan {
  id: string;
  name: string;
  slug: string;
  description: string | null;
  currency: string;
  amount: number;
  interval: 'month' | 'year';
  interval_count: number;
  trial_days: number | null;
  manual_invoicing: boolean;
  is_enterprise: boolean;
  sort_order: number;
  /** Per metric: the limit, null for unlimited. */
  limits: Record<string, number | null>;
  features: string[];
  rate_limit: unknown;
  monthly_equivalent_amount: number;
  annual_savings: AnnualSavings | null;
  recommended: boolean;
  recommendation_reason: { code: string; message: string } | null;
  comparison: { features: { feature: string; included: boolean }[]; next_plan: NextPlan | null };
}

/** What a yearly plan saves against twelve months of its monthly sibling. */
export interface AnnualSavings {
  amount: number;
  percent: number;
  monthly_plan_id: string;
}

/** What the next plan up adds. */
export interface NextPlan {
  plan_id: string;
  name: string;
  amount_difference: number;
  added_features: string[];
  raised_limits: { metric: string; from: number | null; to: number | null }[];
}

/** Feature × plan and limit × plan, in the order the service wants them read. */
export interface PlanMatrix {
  features: { feature: string; plans: Record<string, boolean> }[];
  limits: { metric: string; plans: Record<string, number | null> }[];
}

/** Every plan the reader may buy, with the matrix over all of them; the service never sends it in parts. */
export interface PlanList {
  data: Plan[];
  comparison: PlanMatrix;
}

/** The plan list, public or as the signed-in tenant sees it (its own plans, its recommendation). */
export function plansQuery(session: Session) {
  return queryOptions({
    queryKey: ['plans', session.generation],
    queryFn: ({ signal }) => request<PlanList>('/v1/plans', { key: session.key, signal }),
  });
}
