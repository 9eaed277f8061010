import { applyDecorators, SetMetadata, UseGuards } from '@nestjs/common';
import { BillingGuard } from './billing.guard';
import { FEATURE_REQUIRED, LIMIT_REQUIRED, LimitRequirement } from './requirement-keys';

/**
 * Lets a route be called only while the tenant may use `count` more of a metric. It asks and does not count; a
 * route that uses what it asks for takes @TracksUsage, which holds the capacity while the handler works.
 */
export const RequiresLimit = (metric: string, count = 1): MethodDecorator & ClassDecorator =>
  applyDecorators(
    SetMetadata(LIMIT_REQUIRED, { metric, count } satisfies LimitRequirement),
    UseGuards(BillingGuard),
  );

/** Lets a route be called only by tenants whose plan brings the feature. */
export const RequiresFeature = (feature: string): MethodDecorator & ClassDecorator =>
  applyDecorators(SetMetadata(FEATURE_REQUIRED, feature), UseGuards(BillingGuard));
