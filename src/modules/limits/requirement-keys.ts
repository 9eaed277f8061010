/** What decorators write on a route, and its guards and interceptors read. */
export const LIMIT_REQUIRED = Symbol('LIMIT_REQUIRED');
export const FEATURE_REQUIRED = Symbol('FEATURE_REQUIRED');
export const USAGE_TRACKED = Symbol('USAGE_TRACKED');

export interface LimitRequirement {
  readonly metric: string;
  readonly count: number;
}

export interface TrackedUsage {
  readonly metric: string;
  /** Above 0: used by the handler. Below 0: given back by it, of gauges only. */
  readonly count: number;
}
