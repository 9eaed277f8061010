import {
  IsIn,
  IsInt,
  IsISO8601,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import { IsDisplayName } from '../../../platform/http/field-rules';

/** Named, since the Swagger plugin leaves out a property whose decorator holds a negative literal. */
const FEWEST = -100_000;

/** When a change takes hold. */
export type EffectiveChoice = 'now' | 'period_end';
const EFFECTIVE: readonly EffectiveChoice[] = ['now', 'period_end'];

export class PreviewChangeDto {
  @IsUUID()
  plan_id: string;

  /** As it is when left out. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(100_000)
  quantity?: number;

  @IsOptional()
  @IsIn(EFFECTIVE)
  effective: EffectiveChoice = 'now';
}

export class UpgradeDto {
  @IsUUID()
  plan_id: string;

  /** As it is when left out. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(100_000)
  quantity?: number;

  /** `proration_date` of a preview: what it showed is what is charged. */
  @IsOptional()
  @IsISO8601({ strict: true })
  @MaxLength(40)
  proration_date?: string;
}

export class DowngradeDto {
  @IsUUID()
  plan_id: string;

  /** As it is when left out. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(100_000)
  quantity?: number;

  @IsOptional()
  @IsIn(EFFECTIVE)
  effective: EffectiveChoice = 'period_end';

  /** A day of its own, instead of `effective`: ISO 8601, within the next two years. */
  @IsOptional()
  @IsISO8601({ strict: true })
  @MaxLength(40)
  effective_at?: string;
}

export class CancelDto {
  /** Why, in a few words. */
  @IsDisplayName(200)
  reason: string;

  /** More, in the tenant's own words. */
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  feedback?: string;

  @IsOptional()
  @IsIn(EFFECTIVE)
  at: EffectiveChoice = 'period_end';
}

export class PauseDto {
  /** access_kept: nothing is collected, the service goes on. access_stopped: nothing runs. */
  @IsIn(['access_kept', 'access_stopped'])
  mode: 'access_kept' | 'access_stopped';

  /** ISO 8601; when left out, somebody resumes it. */
  @IsOptional()
  @IsISO8601({ strict: true })
  @MaxLength(40)
  resumes_at?: string;
}

export class SubscriptionQuantityDto {
  /** So many from now on. Name either this or `add`. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(100_000)
  quantity?: number;

  /** So many more, or fewer; additions of several callers all count. */
  @IsOptional()
  @IsInt()
  @Min(FEWEST)
  @Max(100_000)
  add?: number;
}

export class AddItemDto {
  /** An add-on plan. Name either this or `price_id`. */
  @IsOptional()
  @IsUUID()
  plan_id?: string;

  /** A price in Stripe. */
  @IsOptional()
  @IsString()
  @Matches(/^price_[A-Za-z0-9_]{1,240}$/, { message: 'price_id must be the id of a price' })
  price_id?: string;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(100_000)
  quantity?: number;
}

export class ChangeItemDto {
  @IsInt()
  @Min(1)
  @Max(100_000)
  quantity: number;
}

export class OpenPortalDto {
  /** Where to come back to; its origin must be on the allow-list. */
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  return_url?: string;
}

export class PortalView {
  /** Stripe's own pages for this customer; open it soon, it lasts minutes. */
  url: string;
}

export class ChangeLineView {
  kind: 'credit' | 'charge';
  /** Minor units; credits are negative. */
  amount: number;
  quantity: number;
  period_start: string;
  period_end: string;
}

export class NextChargeView {
  /** Minor units: the flat part, before discounts, usage and tax. */
  amount: number;
  due_at: string;
}

export class LimitChangeView {
  metric: string;
  /** Null is unlimited. */
  from: number | null;
  to: number | null;
  direction: 'raised' | 'lowered';
}

export class ExceededLimitView {
  metric: string;
  /** A number, or a decimal text where that is exact. */
  used: string;
  limit: number;
  excess: string;
}

/** What a change costs and does. Amounts are minor units of `currency`. */
export class ChangePreviewView {
  direction: 'upgrade' | 'downgrade' | 'sidegrade' | 'none';
  plan_id: string;
  quantity: number;
  currency: string;
  /** When it takes hold. */
  effective_at: string;
  /** Send it with the upgrade to be charged exactly this. */
  proration_date: string;
  /** Charged now, as Stripe previews it; ours where nothing is invoiced now. */
  amount_due: number;
  /** Given back for unused time. */
  credit: number;
  /** What of the credit is left over and lowers later invoices. */
  credit_left: number;
  tax: number;
  lines: ChangeLineView[];
  next_invoice: NextChargeView;
  /** The sum of all lines by our own calculation. */
  calculated_total: number;
  /** Stripe's sum less ours, without tax; null where Stripe was not asked. Expected 0. */
  difference: number | null;
  limits: LimitChangeView[];
  features_won: string[];
  features_lost: string[];
  /** What is used above the new limits; a downgrade is refused while there is any. */
  exceeded_limits: ExceededLimitView[];
  /** What it means per month. */
  monthly_change: number | null;
}

export class ScheduledChangeView {
  id: string;
  /** plan: another plan. resume: the end of a pause. */
  kind: 'plan' | 'resume';
  plan_id: string | null;
  quantity: number | null;
  applies_at: string;
  state: 'pending' | 'applied' | 'canceled' | 'failed';
  created_at: string;
}

export class ScheduledChangesView {
  data: ScheduledChangeView[];
}
