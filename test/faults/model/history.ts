import type { Answered, ApiAnswer } from '../../support/api';
import { describeViolations, findViolationsWith } from '../invariants/invariants';
import { amountToJson, nano } from './amount';
import { meterOf, METERS } from './meters';
import { BEGINNING, type ModelService } from './model-service';
import type { Change, Draft, Operation, When } from './operations';
import { monthStart, UsageModel, type ModelEvent, type ModelReservation, type Verdict } from './usage-model';

const GRACE_PERCENT = 10;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const EVENTS = '/v1/billings/usage/events';
const RESERVATIONS = '/v1/billings/usage/reservations';

/** Lives one history with the service and with the model, and throws where they part. */
export async function live(service: ModelService, operations: readonly Operation[]): Promise<void> {
  await service.setTime(BEGINNING);
  const tenantId = await service.makeTenant();
  const history = new History(service, tenantId);
  try {
    for (const [at, operation] of operations.entries())
      await history.step(operation).catch((error: unknown) => {
        throw new Error(`step ${at + 1}, ${JSON.stringify(operation)}: ${(error as Error).message}`);
      });
    await history.checkEverything();
  } finally {
    await service.forget(tenantId);
  }
}

class History {
  private readonly model = new UsageModel(BEGINNING);
  private readonly sent: ModelEvent[] = [];
  private made = 0;

  constructor(
    private readonly service: ModelService,
    private readonly tenantId: string,
  ) {}

  async step(operation: Operation): Promise<void> {
    // So that no two facts have the same moment unless a history wants it.
    this.model.now += 1;
    this.service.wait(1);
    const touched = await this.act(operation);
    for (const metric of touched) await this.checkStanding(metric);
  }

  /** All numbers, the ledger behind them, and the invariants. */
  async checkEverything(): Promise<void> {
    const { rows } = await this.service.database.query<{ key: string; used: string; reserved: string }>(
      `select metric_name || ' ' || (extract(epoch from period_start) * 1000)::bigint as key, used, reserved
         from usage_counters where tenant_id = $1`,
      [this.tenantId],
    );
    const counters = new Map(rows.map((row) => [row.key, row]));
    for (const { metric, start } of this.model.counters()) {
      const row = counters.get(`${metric} ${start}`);
      expectSame(
        `${metric} of ${new Date(start).toISOString()} used`,
        nano(row?.used ?? 0),
        this.model.used(metric, start),
      );
      expectSame(`${metric} reserved`, nano(row?.reserved ?? 0), this.model.reserved(metric, start));
    }
    for (const { key } of METERS) await this.checkStanding(key);
    const violations = await findViolationsWith(this.service.database, {
      redisUrl: this.service.service.env.REDIS_URL,
      tenants: [this.tenantId],
      gracePercent: GRACE_PERCENT,
    });
    if (violations.length > 0) throw new Error(describeViolations(violations));
  }

  /** @returns the metrics whose numbers may have changed */
  private async act(operation: Operation): Promise<string[]> {
    switch (operation.do) {
      case 'record':
        return this.record(this.eventOf(operation.event));
      case 'repeat':
        return this.record(this.repeated(operation.which, operation.change));
      case 'batch':
        return this.recordBatch(
          operation.events.map((one) =>
            'again' in one ? this.repeated(one.again, one.change) : this.eventOf(one),
          ),
        );
      case 'increment':
        return this.count(operation.metric, operation.count, false);
      case 'decrement':
        return this.count(operation.metric, operation.count, true);
      case 'reserve':
        return this.reserve(operation.metric, operation.quantity, operation.ttlMinutes);
      case 'commit':
        return this.commit(operation.which, operation.part);
      case 'release':
        return this.release(operation.which);
      case 'correct':
        return this.correct(operation.which, operation.unknown);
      case 'override':
        return this.override(operation.metric, operation.limit, operation.forMinutes);
      case 'remove_override':
        return this.removeOverride(operation.metric);
      case 'plan_limit':
        await this.service.setPlanLimit(operation.metric, operation.limit);
        this.model.limits.set(operation.metric, operation.limit);
        // Processes hear of it from Postgres, a moment later.
        await this.service.service.until(
          async () =>
            (await this.service.check(this.tenantId, operation.metric)).limit ===
            this.model.limit(operation.metric),
        );
        return [operation.metric];
      case 'time':
        this.model.now = this.momentOf(operation.to);
        await this.service.setTime(this.model.now);
        return ['email_sends', 'm_unique'];
      case 'job':
        await this.service.run(operation.name);
        if (operation.name === 'expiry') this.model.expireDue();
        return ['campaigns', 'email_sends'];
      case 'flush':
        await this.service.flushRedis();
        return METERS.map(({ key }) => key);
    }
  }

  private async record(event: ModelEvent | null): Promise<string[]> {
    if (!event) return [];
    const verdict = this.model.record(event);
    const answer = await this.api('POST', EVENTS, bodyOf(event));
    this.expectAnswer(answer, event, verdict);
    return [event.metric];
  }

  private async recordBatch(all: readonly (ModelEvent | null)[]): Promise<string[]> {
    // A decrement has no words in a batch.
    const events = all.filter((event): event is ModelEvent => event !== null && !event.isDecrement);
    if (events.length === 0) return [];
    const verdicts = this.decideBatch(events);
    const answer = await this.api('POST', EVENTS, { events: events.map(bodyOf) });
    expectSame('status', answer.status, 200);
    const results = answer.body.results as Answered[];
    expectSame('results', results.length, events.length);
    results.forEach((result, at) => {
      const verdict = verdicts[at]!;
      expectSame(`result ${at + 1}`, result.status, verdict.status);
      expectSame(`event_id ${at + 1}`, result.event_id, events[at]!.id);
      if (verdict.status === 'invalid') expectSame(`error ${at + 1}`, result.error.code, codeOf(verdict));
    });
    const count = (status: string): number => verdicts.filter((verdict) => verdict.status === status).length;
    for (const status of ['recorded', 'duplicate', 'conflict', 'limit_exceeded', 'invalid'])
      expectSame(`summary of ${status}`, answer.body.summary[status], count(status));
    return [...new Set(events.map(({ metric }) => metric))];
  }

  /** In their order; but an id that is in the batch again waits for what becomes of the first. */
  private decideBatch(events: readonly ModelEvent[]): Verdict[] {
    const verdicts = new Array<Verdict>(events.length);
    const firsts = new Map<string, number>();
    const later: number[] = [];
    events.forEach((event, at) => {
      const first = firsts.get(event.id);
      if (first === undefined || verdicts[first]!.status === 'invalid') {
        verdicts[at] = this.model.record(event);
        firsts.set(event.id, at);
      } else if (verdicts[first]!.status !== 'limit_exceeded') verdicts[at] = this.model.record(event);
      else later.push(at);
    });
    for (const at of later) verdicts[at] = this.model.record(events[at]!);
    return verdicts;
  }

  private async count(metric: string, count: number, isDecrement: boolean): Promise<string[]> {
    const event: ModelEvent = {
      id: this.newId(),
      metric,
      quantity: count,
      subject: null,
      at: null,
      isDecrement,
    };
    this.sent.push(event);
    const verdict = this.model.record(event);
    const verb = isDecrement ? 'decrement' : 'increment';
    const answer = await this.api('POST', `/v1/billings/usage/${verb}`, {
      event_id: event.id,
      metric,
      count,
    });
    this.expectAnswer(answer, event, verdict);
    return [metric];
  }

  private async reserve(metric: string, wanted: number, ttlMinutes: number): Promise<string[]> {
    const isCount = meterOf(metric).aggregation === 'count';
    const quantity = isCount ? 1 : wanted;
    const answer = await this.api('POST', RESERVATIONS, { metric, quantity, ttl_seconds: ttlMinutes * 60 });
    const id = String(answer.body.id);
    const reservation = this.model.reserve(id, metric, nano(quantity), ttlMinutes * MINUTE, null);
    expectSame('status', answer.status, reservation ? 201 : 402);
    if (!reservation) expectSame('code', answer.body.code, 'limit_exceeded');
    return [metric];
  }

  private async commit(which: number, part: 'all' | 'unsaid' | 'some' | 'more'): Promise<string[]> {
    const reservation = pick(this.model.reservations, which);
    if (!reservation) return [];
    const isCount = meterOf(reservation.metric).aggregation === 'count';
    const one = nano(1);
    const quantity =
      part === 'some' && reservation.quantity > one
        ? reservation.quantity - one
        : part === 'more'
          ? reservation.quantity + one
          : reservation.quantity;
    const body = part === 'unsaid' ? {} : { quantity: amountToJson(quantity) };
    const outcome = this.model.commit(reservation, quantity);
    const answer = await this.api('POST', `${RESERVATIONS}/${reservation.id}/commit`, body);
    const wanted = { ok: 200, more_than_reserved: isCount ? 400 : 422, state_conflict: 409 }[outcome];
    expectSame('status', answer.status, wanted);
    if (outcome === 'ok') this.expectReservation(answer, reservation);
    return [reservation.metric];
  }

  private async release(which: number): Promise<string[]> {
    const reservation = pick(this.model.reservations, which);
    if (!reservation) return [];
    const outcome = this.model.release(reservation);
    const answer = await this.api('POST', `${RESERVATIONS}/${reservation.id}/release`, {});
    expectSame('status', answer.status, outcome === 'ok' ? 200 : 409);
    if (outcome === 'ok') this.expectReservation(answer, reservation);
    return [reservation.metric];
  }

  private async correct(which: number, unknown: boolean): Promise<string[]> {
    const row = pick([...this.model.rows.values()], which);
    const id = unknown || !row ? 'nobody-knows' : row.event.id;
    const outcome = this.model.correct(id);
    const answer = await this.api('POST', '/v1/billings/usage/corrections', {
      event_id: id,
      reason: 'by mistake',
    });
    const wanted = { new: 201, known: 200, below_zero: 409, not_found: 404 }[outcome];
    expectSame('status', answer.status, wanted);
    if (outcome === 'new' && row)
      expectSame(
        'current_usage',
        answer.body.current_usage,
        amountToJson(this.model.used(row.event.metric, row.start)),
      );
    return row ? [row.event.metric] : [];
  }

  private async override(metric: string, limit: number | null, forMinutes: number | null): Promise<string[]> {
    const expiresAt = forMinutes === null ? null : this.model.now + forMinutes * MINUTE;
    this.model.overrides.set(metric, { limit, expiresAt });
    const answer = await this.service.asOperator('PUT', this.overridePath(metric), {
      limit,
      reason: 'a history',
      ...(expiresAt === null ? {} : { expires_at: new Date(expiresAt).toISOString() }),
    });
    expectSame('status', answer.status, 200);
    return [metric];
  }

  private async removeOverride(metric: string): Promise<string[]> {
    const wasThere = this.model.overrides.delete(metric);
    const answer = await this.service.asOperator('DELETE', this.overridePath(metric));
    expectSame('status', answer.status, wasThere ? 200 : 404);
    return [metric];
  }

  /** What a reader is told of a metric is what the model says, whichever way the number came. */
  private async checkStanding(metric: string): Promise<void> {
    const { model } = this;
    const start = model.openPeriod(metric);
    const told = await this.service.check(this.tenantId, metric);
    const used = model.used(metric, start);
    const reserved = model.reserved(metric, start);
    const remaining = model.remaining(metric, start);
    const most = model.graceLimit(metric);
    expectSame(`${metric} current_usage`, told.current_usage, amountToJson(used));
    expectSame(`${metric} reserved`, told.reserved, amountToJson(reserved));
    expectSame(`${metric} limit`, told.limit, model.limit(metric));
    expectSame(`${metric} remaining`, told.remaining, remaining === null ? null : amountToJson(remaining));
    expectSame(`${metric} allowed`, told.allowed, most === null || used + reserved + nano(1) <= most);
  }

  private expectAnswer(answer: ApiAnswer, event: ModelEvent, verdict: Verdict): void {
    const { status } = verdict;
    expectSame('status', answer.status, STATUS_OF[status === 'invalid' ? verdict.problem : status]);
    if (status === 'invalid' || status === 'conflict' || status === 'below_zero') {
      expectSame('code', answer.body.code, codeOf(verdict));
      return;
    }
    const { metric, start, isLate } = verdict.place;
    expectSame('current_usage', answer.body.current_usage, amountToJson(this.model.used(metric, start)));
    expectSame('limit', answer.body.limit, this.model.limit(metric));
    if (status === 'limit_exceeded') return expectSame('code', answer.body.code, 'limit_exceeded');
    const remaining = this.model.remaining(metric, start);
    expectSame('remaining', answer.body.remaining, remaining === null ? null : amountToJson(remaining));
    expectSame('is_late', answer.body.is_late, isLate);
    expectSame('metric', answer.body.metric, event.metric);
    expectSame('period_start', answer.body.period_start, start === 0 ? null : new Date(start).toISOString());
  }

  private expectReservation(answer: ApiAnswer, reservation: ModelReservation): void {
    expectSame('status of the reservation', answer.body.status, this.model.statusOf(reservation));
    const committed = reservation.committed === null ? null : amountToJson(reservation.committed);
    expectSame('committed_quantity', answer.body.committed_quantity, committed);
    const used = this.model.used(reservation.metric, reservation.start);
    expectSame('current_usage', answer.body.current_usage, amountToJson(used));
  }

  private eventOf({ metric, quantity, subject, when }: Draft): ModelEvent {
    const event = { id: this.newId(), metric, quantity, subject, at: this.at(when), isDecrement: false };
    this.sent.push(event);
    return event;
  }

  /** An event that was sent before, again or as another. */
  private repeated(which: number, change: Change): ModelEvent | null {
    const event = pick(
      this.sent.filter(({ isDecrement }) => !isDecrement),
      which,
    );
    if (!event || change === 'nothing') return event ?? null;
    if (change === 'quantity') return { ...event, quantity: event.quantity === 1 ? 2 : 1 };
    if (change === 'subject') return { ...event, subject: event.subject === 'z' ? 'y' : 'z' };
    if (change === 'timestamp')
      return { ...event, at: event.at === null ? this.model.now - MINUTE : event.at - 1 };
    return { ...event, metric: event.metric === 'm_max' ? 'm_latest' : 'm_max' };
  }

  private at(when: When): number | null {
    const { now } = this.model;
    switch (when) {
      case 'unsaid':
        return null;
      case 'a_minute_ago':
        return now - MINUTE;
      case 'ten_days_ago':
        return now - 10 * DAY;
      case 'last_of_previous_month':
        return monthStart(now) - 1;
      case 'first_of_this_month':
        return monthStart(now);
      case 'first_of_next_month':
        return monthStart(now, 1);
      case 'almost_too_old':
        return now - 35 * DAY;
      case 'too_old':
        return now - 35 * DAY - 1;
      case 'almost_too_early':
        return now + 5 * MINUTE;
      case 'too_early':
        return now + 5 * MINUTE + 1;
    }
  }

  private momentOf(to: Extract<Operation, { do: 'time' }>['to']): number {
    const { now } = this.model;
    if (to === 'a_minute_on') return now + MINUTE;
    if (to === 'an_hour_on') return now + HOUR;
    if (to === 'two_days_on') return now + 2 * DAY;
    // The step itself adds the last millisecond.
    return to === 'month_end' ? monthStart(now, 1) : Math.max(now, monthStart(now, 1) - 2);
  }

  private overridePath(metric: string): string {
    return `/v1/admin/tenants/${this.tenantId}/limit-overrides/${metric}`;
  }

  private api(method: string, path: string, body: unknown): Promise<ApiAnswer> {
    return this.service.api(this.tenantId, method, path, body);
  }

  private newId(): string {
    return `e${++this.made}`;
  }
}

const STATUS_OF = {
  recorded: 201,
  duplicate: 200,
  conflict: 422,
  limit_exceeded: 402,
  below_zero: 409,
  late_usage: 422,
  validation_failed: 400,
  unprocessable: 422,
  unknown_meter: 404,
};

function codeOf(verdict: Verdict): string {
  if (verdict.status === 'invalid') return verdict.problem;
  return verdict.status === 'conflict' ? 'event_id_conflict' : 'state_conflict';
}

function bodyOf({ id, metric, quantity, subject, at }: ModelEvent): Record<string, unknown> {
  return {
    event_id: id,
    metric,
    quantity,
    ...(subject === null ? {} : { subject }),
    ...(at === null ? {} : { timestamp: new Date(at).toISOString() }),
  };
}

function pick<T>(items: readonly T[], which: number): T | undefined {
  return items[which % items.length];
}

function expectSame(what: string, told: unknown, wanted: unknown): void {
  if (told !== wanted) throw new Error(`${what} is ${String(told)}, and should be ${String(wanted)}`);
}
