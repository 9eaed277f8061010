import { applyDecorators, SetMetadata, UseInterceptors } from '@nestjs/common';
import { TrackedUsage, USAGE_TRACKED } from './requirement-keys';
import { UsageInterceptor } from './usage.interceptor';

/**
 * Counts usage by a route: `count` is used by a handler that succeeds (402 before it runs when there is no room), or
 * with a count below 0 given back by it, of gauges only. Write it above @Idempotent, so that a replay counts nothing.
 */
export const TracksUsage = (metric: string, count = +1): MethodDecorator =>
  applyDecorators(
    SetMetadata(USAGE_TRACKED, { metric, count } satisfies TrackedUsage),
    UseInterceptors(UsageInterceptor),
  );
