import { CallHandler, ExecutionContext, Injectable, NestInterceptor } from '@nestjs/common';
import { INTERCEPTORS_METADATA } from '@nestjs/common/constants';
import { Reflector } from '@nestjs/core';
import type { FastifyReply } from 'fastify';
import { from, lastValueFrom, Observable } from 'rxjs';
import { IdempotencyInterceptor } from '../../platform/http/idempotency.interceptor';
import { TrackedUsage, USAGE_TRACKED } from './requirement-keys';
import { TrackedWork } from './tracked-work';

/**
 * Counts what a route uses, when its handler has succeeded: it neither threw nor answered 400 or more. Never global:
 * @TracksUsage binds it to the routes that use something.
 */
@Injectable()
export class UsageInterceptor implements NestInterceptor {
  constructor(
    private readonly work: TrackedWork,
    private readonly reflector: Reflector,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const handler = context.getHandler();
    refuseWrongOrder(handler);
    const usage = this.reflector.get<TrackedUsage>(USAGE_TRACKED, handler);
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const run = async (): Promise<{ value: unknown; isSuccess: boolean }> => {
      const value: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
      return { value, isSuccess: reply.statusCode < 400 };
    };
    const warn = (warning: string): void => {
      if (!reply.sent) void reply.header('x-limit-warning', warning);
    };
    return from(this.work.track(usage, run, warn));
  }
}

/** Outside of the idempotency interceptor a replayed answer would be counted again. */
function refuseWrongOrder(handler: object): void {
  const bound = (Reflect.getMetadata(INTERCEPTORS_METADATA, handler) as unknown[] | undefined) ?? [];
  const once = bound.indexOf(IdempotencyInterceptor);
  if (once !== -1 && once > bound.indexOf(UsageInterceptor))
    throw new Error('Write @TracksUsage above @Idempotent: the upper one runs inside');
}
