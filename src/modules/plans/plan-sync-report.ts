/** Why a price of Stripe's is no plan of ours. */
export type SkipReason =
  | 'one_time'
  | 'metered'
  | 'tiered'
  | 'unsupported_interval'
  | 'decimal_amount'
  | 'custom_amount'
  | 'transformed_quantity'
  | 'unknown_currency'
  | 'archived'
  | 'product_deleted'
  | 'reserved'
  | 'superseded'
  | 'unknown_tenant'
  | 'tenant_changed'
  | 'changed_meanwhile';

/** What one run of the Stripe sync found and did. */
export interface PlanSyncReport {
  trigger: 'manual' | 'scheduled';
  duration_ms: number;
  pulled: { products: number; prices: number };
  created: number;
  updated: number;
  unchanged: number;
  deactivated: number;
  /** Prices that are no plans, each with its reason. */
  skipped: { price_id: string; reason: SkipReason }[];
  /** What could not be taken over: a metadata key that makes no sense, or a price that failed (field null). */
  errors: { price_id: string; code: string; field: string | null }[];
}
