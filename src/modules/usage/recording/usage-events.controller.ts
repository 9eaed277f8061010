import { Body, Controller, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiCreatedResponse, ApiExtraModels, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { randomUUID } from 'node:crypto';
import { BillingError, FieldError } from '../../../contracts/errors';
import { isUuid } from '../../../contracts/ids';
import { TenantContext } from '../../../platform/database/tenant-context';
import { Access } from '../../../platform/http/access';
import { Idempotent } from '../../../platform/http/idempotency.interceptor';
import { HotAnswer, sendHot, ShortPath } from '../../../platform/http/short-path';
import { RequestContext } from '../../../platform/request-context';
import { batchJson, resultJson, UnreadEvent } from './usage-answer';
import { MOST_EVENTS, readQuantity, readUsageEvent, UsageEventInput } from './usage-event-input';
import {
  CountDto,
  EVENT_OR_BATCH,
  UsageBatchDto,
  UsageBatchView,
  UsageEventDto,
  UsageResultView,
} from './usage-events.dto';
import { limitWarning } from './limit-warning';
import { UsageRefusals } from './usage-refusal';
import { UsageResult, UsageToRecord } from './usage-result';
import { UsageTracker } from './usage-tracker.service';

/** Recording usage. */
@ApiTags('Usage')
@Controller('v1/billings/usage')
export class UsageEventsController {
  constructor(
    private readonly tracker: UsageTracker,
    private readonly refusals: UsageRefusals,
    private readonly tenantContext: TenantContext,
    private readonly requestContext: RequestContext,
    shortPath: ShortPath,
  ) {
    const pattern = '/v1/billings/usage/events';
    shortPath.offer({ method: 'POST', pattern, scope: 'usage:write', answer: (body) => this.answer(body) });
  }

  /**
   * Records one event or up to 1,000. Each counts once, for ever, by its event_id, and only while the limit has
   * room for it; an event that cannot be counted keeps none of the others of its batch from it. The answer comes
   * after the commit. 201 one recorded, 200 one duplicate, 200 a batch with its results.
   */
  // The body is read by hand: validation pipe and serializer take longer than the ledger (decisions 16).
  @Post('events')
  @Access('usage:write')
  @ApiExtraModels(UsageEventDto, UsageBatchDto)
  @ApiBody({ schema: EVENT_OR_BATCH })
  @ApiCreatedResponse({ type: UsageResultView, description: 'One event, recorded now.' })
  @ApiOkResponse({ type: UsageBatchView, description: 'A batch; or one event that was recorded before.' })
  async recordEvents(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await sendHot(reply, await this.answer(request.body));
  }

  /** Counts up: "a campaign was created". */
  @Post('increment')
  @Access('usage:write')
  @Idempotent({ resumable: true })
  @ApiCreatedResponse({ type: UsageResultView, description: 'Counted now.' })
  @ApiOkResponse({ type: UsageResultView, description: 'This event was counted before.' })
  async increment(@Body() body: CountDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<unknown> {
    return this.count(body, false, reply);
  }

  /** Counts a gauge down: "a campaign was deleted". Never below 0. */
  @Post('decrement')
  @Access('usage:write')
  @Idempotent({ resumable: true })
  @ApiCreatedResponse({ type: UsageResultView, description: 'Counted now.' })
  @ApiOkResponse({ type: UsageResultView, description: 'This event was counted before.' })
  async decrement(@Body() body: CountDto, @Res({ passthrough: true }) reply: FastifyReply): Promise<unknown> {
    return this.count(body, true, reply);
  }

  private answer(body: unknown): Promise<HotAnswer> {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) throw malformed('');
    return 'events' in body ? this.recordBatch(body) : this.recordOne(body);
  }

  private async recordOne(body: object): Promise<HotAnswer> {
    const event = readUsageEvent(body, '');
    if (Array.isArray(event)) throw new BillingError('validation_failed', { errors: event });
    const results = await this.record([event]);
    const result = results[0]!;
    if (result.problem !== null) throw await this.refusal(result, event);
    const status = result.status === 'recorded' ? 201 : 200;
    return { status, body: resultJson(result), warning: limitWarning(results) };
  }

  private async recordBatch(body: object): Promise<HotAnswer> {
    const { events, ...others } = body as { events: unknown };
    if (!Array.isArray(events) || events.length === 0) throw malformed('/events');
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) throw malformed(`/${unknown.replaceAll('~', '~0').replaceAll('/', '~1')}`);
    if (events.length > MOST_EVENTS)
      throw new BillingError('payload_too_large', {
        detail: `A batch has at most ${MOST_EVENTS} events.`,
        extra: { maximum: MOST_EVENTS },
      });
    const lines: (UsageResult | UnreadEvent)[] = [];
    const read: UsageEventInput[] = [];
    const places: number[] = [];
    events.forEach((value, at) => {
      const event = readUsageEvent(value, `/events/${at}`);
      if (Array.isArray(event)) lines[at] = { event_id: idOf(value), errors: event };
      else places[read.push(event) - 1] = at;
    });
    const results = read.length === 0 ? [] : await this.record(read);
    results.forEach((result, at) => (lines[places[at]!] = result));
    return { status: 200, body: batchJson(lines), warning: limitWarning(results) };
  }

  private async count(body: CountDto, isDecrement: boolean, reply: FastifyReply): Promise<unknown> {
    const event: UsageToRecord = {
      // The same call sent again under its Idempotency-Key names the same event.
      event_id: body.event_id ?? this.requestContext.operationId ?? randomUUID(),
      metric: body.metric,
      quantity: readQuantity(body.count ?? 1)!,
      timestamp: null,
      subject: body.subject ?? null,
      metadata: null,
      isDecrement,
    };
    const results = await this.record([event]);
    const result = results[0]!;
    if (result.problem !== null) throw await this.refusal(result, event, 'count');
    const warning = limitWarning(results);
    if (warning !== null) void reply.header('x-limit-warning', warning);
    void reply.status(result.status === 'recorded' ? 201 : 200);
    return JSON.parse(resultJson(result));
  }

  /** The error for an event that was not counted, LimitExceededException among them. */
  private refusal(result: UsageResult, event: UsageToRecord, quantityField = 'quantity'): Promise<Error> {
    const { tenantId } = this.tenantContext;
    return this.refusals.errorFor(tenantId, result, event.quantity, '', quantityField);
  }

  private record(events: readonly UsageToRecord[]): Promise<UsageResult[]> {
    const { id } = this.requestContext.actor;
    return this.tracker.record(this.tenantContext.tenantId, events, isUuid(id) ? id : null);
  }
}

function malformed(pointer: string): BillingError {
  const errors: FieldError[] = [
    {
      pointer,
      code: 'invalid_body',
      message: `The body must be one event, or {"events": [1 to ${MOST_EVENTS} events]}.`,
    },
  ];
  return new BillingError('validation_failed', { errors });
}

/** To find the line again; only a text that could be an id. */
function idOf(value: unknown): string | null {
  const id = (value as { event_id?: unknown } | null)?.event_id;
  return typeof id === 'string' && id.length <= 128 ? id : null;
}
