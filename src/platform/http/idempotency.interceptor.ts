import {
  applyDecorators,
  CallHandler,
  ExecutionContext,
  Inject,
  Injectable,
  NestInterceptor,
  SetMetadata,
  UseInterceptors,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { lastValueFrom, from, Observable } from 'rxjs';
import { BillingError, ErrorCode } from '../../contracts/errors';
import { SYSTEM_TENANT } from '../../contracts/ids';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/env';
import { canonicalJson, sha256 } from '../crypto';
import { Database } from '../database/database';
import { TenantContext } from '../database/tenant-context';
import { RequestContext } from '../request-context';
import { rawValues } from './authentication';
import { IdempotencyRepository, IdempotencyScope, StoredAnswer } from './idempotency.repository';
import { problemAnswer, toBillingError } from './problem';

const IDEMPOTENT = Symbol('IDEMPOTENT');
const LEASE_MS = 30_000;
const KEY = /^[\x21-\x7e]{1,255}$/;
/** Final outcomes; the others may be mended and sent again with the same key (errors page, section 0). */
const STORED_STATUSES = new Set([404, 409, 422]);
const NEVER_STORED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'idempotency_in_progress',
  'idempotency_key_reused',
]);

interface IdempotencyRule {
  /** The effect includes calls to Stripe, so it cannot be one transaction: it resumes instead (C.3). */
  resumable: boolean;
  /** Moves money: the header is mandatory with IDEMPOTENCY_REQUIRED=true. */
  money: boolean;
  /** Members of the answer that are shown once and never stored: a replay has null in their place. */
  redact: readonly string[];
}

/** A POST route: accepts Idempotency-Key. */
export const Idempotent = (rule: Partial<IdempotencyRule> = {}): MethodDecorator =>
  applyDecorators(
    SetMetadata(IDEMPOTENT, { resumable: false, money: false, redact: [], ...rule }),
    UseInterceptors(IdempotencyInterceptor),
  );

/** Runs a POST once per key; the answer is stored in the transaction of its effect and replayed byte for byte. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(
    private readonly records: IdempotencyRepository,
    private readonly database: Database,
    private readonly tenantContext: TenantContext,
    private readonly requestContext: RequestContext,
    private readonly reflector: Reflector,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const rule = this.reflector.get<IdempotencyRule>(IDEMPOTENT, context.getHandler());
    const key = this.keyOf(request, rule);
    if (key === null) return next.handle();
    return from(this.once(request, http.getResponse<FastifyReply>(), rule, key, next));
  }

  private async once(
    request: FastifyRequest,
    reply: FastifyReply,
    rule: IdempotencyRule,
    key: string,
    next: CallHandler,
  ): Promise<unknown> {
    const scope = this.scopeOf(request, key);
    const fingerprint = sha256(canonicalJson(request.body ?? null));
    const claim = await this.records.claimAcrossTenants(scope, fingerprint, LEASE_MS);
    if (claim.outcome === 'reused') throw new BillingError('idempotency_key_reused');
    if (claim.outcome === 'in_progress') throw new BillingError('idempotency_in_progress', { retryAfter: 1 });
    if (claim.outcome === 'replay') return this.send(reply, claim.answer, true);

    this.requestContext.setOperationId(claim.operationId);
    try {
      const answer = rule.resumable
        ? await this.runResumable(next, reply, rule, scope, claim.attempt)
        : await this.runInOneTransaction(next, reply, rule, scope, claim.attempt);
      return this.send(reply, answer, false);
    } catch (error) {
      await this.storeRefusal(toBillingError(error), String(request.id), scope, claim.attempt);
      throw error;
    }
  }

  private async runInOneTransaction(
    next: CallHandler,
    reply: FastifyReply,
    rule: IdempotencyRule,
    scope: IdempotencyScope,
    attempt: number,
  ): Promise<StoredAnswer> {
    const run = async (): Promise<StoredAnswer> => {
      const result: unknown = await lastValueFrom(next.handle());
      const stored = toAnswer(without(result, rule.redact), reply);
      if (!(await this.records.finish(scope, attempt, stored))) throw takenOver();
      return toAnswer(result, reply);
    };
    return this.tenantContext.tenantIdOrNull ? this.database.inTenant(run) : this.database.acrossTenants(run);
  }

  private async runResumable(
    next: CallHandler,
    reply: FastifyReply,
    rule: IdempotencyRule,
    scope: IdempotencyScope,
    attempt: number,
  ): Promise<StoredAnswer> {
    const result: unknown = await lastValueFrom(next.handle());
    const stored = toAnswer(without(result, rule.redact), reply);
    if (!(await this.records.finishAcrossTenants(scope, attempt, stored))) throw takenOver();
    return toAnswer(result, reply);
  }

  private async storeRefusal(
    error: BillingError,
    requestId: string,
    scope: IdempotencyScope,
    attempt: number,
  ): Promise<void> {
    if (STORED_STATUSES.has(error.status) && !NEVER_STORED.has(error.code)) {
      const { status, body } = problemAnswer(error, requestId);
      await this.records.finishAcrossTenants(scope, attempt, {
        status,
        body: Buffer.from(JSON.stringify(body)),
        contentType: 'application/problem+json; charset=utf-8',
      });
    } else await this.records.releaseAcrossTenants(scope, attempt, { sameRequestOnly: error.status >= 500 });
  }

  private keyOf(request: FastifyRequest, rule: IdempotencyRule): string | null {
    const values = rawValues(request, 'idempotency-key');
    if (values.length === 0) {
      if (rule.money && this.config.idempotencyRequired) throw new BillingError('idempotency_key_required');
      return null;
    }
    if (values.length > 1 || !KEY.test(values[0]!)) throw new BillingError('idempotency_key_invalid');
    return values[0]!;
  }

  private scopeOf(request: FastifyRequest, key: string): IdempotencyScope {
    const { actor } = this.requestContext;
    return {
      tenantId: this.tenantContext.tenantIdOrNull ?? SYSTEM_TENANT,
      principal: `${actor.kind}:${actor.id}`,
      route: `${request.method} ${request.url.split('?', 1)[0]}`,
      key,
    };
  }

  private send(reply: FastifyReply, answer: StoredAnswer, replayed: boolean): Buffer {
    void reply.status(answer.status).header('content-type', answer.contentType);
    if (replayed) void reply.header('idempotency-replayed', 'true');
    return answer.body;
  }
}

/** The bytes to send. Nest sets the route's status before interceptors run, so the reply always knows it. */
function toAnswer(result: unknown, reply: FastifyReply): StoredAnswer {
  return {
    status: reply.statusCode,
    body: Buffer.from(JSON.stringify(result ?? null)),
    contentType: 'application/json; charset=utf-8',
  };
}

/** What may be stored of a result: secrets would otherwise lie readable in the table for a day. */
function without(result: unknown, redact: readonly string[]): unknown {
  if (redact.length === 0 || typeof result !== 'object' || result === null) return result;
  return { ...result, ...Object.fromEntries(redact.map((member) => [member, null])) };
}

function takenOver(): BillingError {
  return new BillingError('idempotency_in_progress', { retryAfter: 1 });
}
