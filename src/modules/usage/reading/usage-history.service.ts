import { Injectable } from '@nestjs/common';
import { BillingError } from '../../../contracts/errors';
import { addDecimals, Decimal, formatDecimal, parseDecimal } from '../../../domain/decimal';
import { bucketAfter, bucketOf, bucketsOf, Granularity, MOST_BUCKETS } from '../../../domain/usage-buckets';
import { Amount, amountOf } from '../../../domain/usage-standing';
import { Clock } from '../../../platform/clock';
import { Turns } from '../../../platform/turns';
import { MetersService } from '../../pricing/meters.service';
import type { Meter } from '../../pricing/meters.service';
import { BucketValue, SeriesQuestion, SubjectValue, UsageSeriesRepository } from './usage-series.repository';
import { refuseBackwards, spanError } from './usage-span';

/** What the value of a bucket is. */
export const MEASURES = ['total', 'level', 'maximum', 'latest', 'subjects'] as const;
export type Measure = (typeof MEASURES)[number];

export interface HistoryRequest {
  readonly metric: string;
  readonly from: Date | null;
  readonly to: Date | null;
  readonly granularity: Granularity;
  readonly bySubject: boolean;
}

export interface Series {
  /** Null for events without one, for `other`, and where nothing is told apart. */
  readonly subject: string | null;
  readonly isOther: boolean;
  /** One for each bucket, in order; null where there is nothing to show. */
  readonly values: readonly (Amount | null)[];
}

export interface History {
  readonly meter: Meter;
  readonly measure: Measure;
  readonly from: Date;
  readonly to: Date;
  readonly buckets: readonly Date[];
  readonly series: readonly Series[];
}

const DAY_MS = 86_400_000;
const USUAL_DAYS = 30;
const USUAL_MONTHS = 12;
/** Read at once in one process: each may keep a connection and a core of the database busy for seconds. */
const MOST_AT_ONCE = 3;
const MOST_WAITING = 100;
/** Subjects that are shown by themselves. */
export const MOST_SUBJECTS = 100;

/** How a metric went over time, read from the ledger by when things happened. */
@Injectable()
export class UsageHistory {
  private readonly turns = new Turns(MOST_AT_ONCE, MOST_WAITING);

  constructor(
    private readonly events: UsageSeriesRepository,
    private readonly meters: MetersService,
    private readonly clock: Clock,
  ) {}

  /**
   * A series of the tenant in the context.
   * @throws BillingError unknown_meter, unprocessable (subjects of this meter are not told apart),
   *   validation_failed (a span backwards or too long), overloaded
   */
  async read(request: HistoryRequest): Promise<History> {
    const meter = await this.meters.find(request.metric);
    if (!meter) throw new BillingError('unknown_meter');
    const measure = measureOf(meter);
    const edges = this.edgesOf(request);
    const question = { metric: meter.key, rule: meter.aggregation, edges };
    const buckets = edges.slice(0, -1);
    const series = await this.turns.take(() =>
      request.bySubject
        ? this.ofSubjects(question, measure, buckets)
        : this.ofAll(question, measure, buckets),
    );
    return { meter, measure, from: edges[0]!, to: edges.at(-1)!, buckets, series };
  }

  /** Where the buckets begin, and where the last one ends. */
  private edgesOf({ from, to, granularity }: HistoryRequest): Date[] {
    const now = this.clock.now();
    refuseBackwards(from?.toISOString() ?? null, to?.toISOString() ?? null);
    // What has not begun has nothing to show.
    const end = to === null || to > now ? now : to;
    const start = from ?? usualStart(end, granularity);
    const buckets = bucketsOf(start, end, granularity);
    if (buckets.length > MOST_BUCKETS[granularity])
      throw spanError(
        'from',
        'span_too_long',
        `One answer has at most ${MOST_BUCKETS[granularity]} ${granularity}s.`,
      );
    const last = buckets.at(-1);
    return last ? [...buckets, bucketAfter(last, granularity)] : [bucketOf(start, granularity)];
  }

  private async ofAll(
    question: SeriesQuestion,
    measure: Measure,
    buckets: readonly Date[],
  ): Promise<Series[]> {
    return [{ subject: null, isOther: false, values: await this.valuesOf(question, measure, buckets) }];
  }

  private async valuesOf(
    question: SeriesQuestion,
    measure: Measure,
    buckets: readonly Date[],
  ): Promise<(Amount | null)[]> {
    if (measure === 'level' && question.rule === 'latest') {
      const before = await this.events.latestBefore(question.metric, question.edges[0]!);
      return carriedOn(before, await this.events.inBuckets(question), buckets);
    }
    if (measure === 'level') {
      const { now, movements } = await this.events.movements(question);
      return levels(now, movements, buckets);
    }
    const found = await this.events.inBuckets(question);
    return inOrder(found, buckets, measure === 'total' || measure === 'subjects' ? '0' : null);
  }

  private async ofSubjects(
    { rule, ...question }: SeriesQuestion,
    measure: Measure,
    buckets: readonly Date[],
  ): Promise<Series[]> {
    if (measure === 'level' || (rule !== 'sum' && rule !== 'count' && rule !== 'max'))
      throw new BillingError('unprocessable', {
        detail: 'Subjects are told apart for flows that count, sum or keep their maximum.',
        errors: [
          {
            pointer: 'query:group_by',
            code: 'not_by_subject',
            message: 'Leave group_by out for this meter.',
          },
        ],
      });
    const places = new Map<number, SubjectValue[]>();
    for (const row of await this.events.bySubject({ ...question, rule }, MOST_SUBJECTS))
      places.set(row.place, [...(places.get(row.place) ?? []), row]);
    return [...places.values()].map((rows) => ({
      subject: rows[0]!.subject === '' ? null : rows[0]!.subject,
      isOther: rows[0]!.is_other,
      values: inOrder(rows, buckets, measure === 'total' ? '0' : null),
    }));
  }
}

/** Gauges that add up, or show the latest, have a level; of all others, what happened in a bucket is told. */
function measureOf({ kind, aggregation }: Meter): Measure {
  if (aggregation === 'max') return 'maximum';
  if (aggregation === 'unique') return 'subjects';
  if (kind !== 'flow') return 'level';
  return aggregation === 'latest' ? 'latest' : 'total';
}

function usualStart(end: Date, granularity: Granularity): Date {
  if (granularity === 'month') return bucketAfter(bucketOf(end, 'month'), 'month', 1 - USUAL_MONTHS);
  return new Date(end.getTime() - USUAL_DAYS * DAY_MS);
}

function inOrder(
  found: readonly BucketValue[],
  buckets: readonly Date[],
  empty: string | null,
): (Amount | null)[] {
  const values = new Map(found.map(({ start, value }) => [start.getTime(), value]));
  return buckets.map((start) => {
    const value = values.get(start.getTime()) ?? empty;
    return value === null ? null : amountOf(value);
  });
}

/** What a gauge showed at the end of each bucket: from what it shows now, without the movements since. */
function levels(now: string, movements: readonly BucketValue[], buckets: readonly Date[]): Amount[] {
  const moved = new Map(movements.map(({ start, value }) => [start.getTime(), decimal(value)]));
  const since = [...moved.values()].reduce(addDecimals, decimal('0'));
  let level = addDecimals(decimal(now), { digits: -since.digits, scale: since.scale });
  return buckets.map((start) => {
    level = addDecimals(level, moved.get(start.getTime()) ?? decimal('0'));
    return amountOf(formatDecimal(level));
  });
}

/** What was latest stays so until something later comes. */
function carriedOn(
  before: string | null,
  found: readonly BucketValue[],
  buckets: readonly Date[],
): (Amount | null)[] {
  const values = new Map(found.map(({ start, value }) => [start.getTime(), value]));
  let latest = before;
  return buckets.map((start) => {
    latest = values.get(start.getTime()) ?? latest;
    return latest === null ? null : amountOf(latest);
  });
}

function decimal(text: string): Decimal {
  return parseDecimal(text, 38);
}
