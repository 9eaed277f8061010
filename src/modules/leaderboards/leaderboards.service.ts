import { Inject, Injectable } from '@nestjs/common';
import { BillingError } from '../../contracts/errors';
import { quantityToJson, parseDecimal } from '../../domain/decimal';
import { calendarMonth, Period } from '../../domain/period';
import { ALWAYS_START, usageMonthOf } from '../../domain/usage-period';
import { Clock } from '../../platform/clock';
import { CONFIG } from '../../platform/config/config.module';
import type { Config } from '../../platform/config/env';
import { TenantContext } from '../../platform/database/tenant-context';
import { EntitlementsMemory, limitHeld } from '../entitlements/entitlements-memory';
import { MetersMemory } from '../pricing/meters-memory';
import { LeaderboardView } from './leaderboards.dto';
import { LeaderboardsRepository, RankedSubject } from './leaderboards.repository';

/** The cap that says how many places a plan shows. */
const ENTRIES = 'leaderboard_entries';
/** No answer is longer, whatever the plan says. */
const MOST_ENTRIES = 1000;

/** Ranks the subjects of the tenant in the context. */
@Injectable()
export class LeaderboardsService {
  constructor(
    private readonly leaderboards: LeaderboardsRepository,
    private readonly entitlements: EntitlementsMemory,
    private readonly meters: MetersMemory,
    private readonly context: TenantContext,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * @param wanted `current`, `previous`, or a calendar month such as `2026-11`
   * @throws BillingError unknown_meter, unprocessable (a cap has no usage)
   */
  async rank(metric: string, wanted: string): Promise<LeaderboardView> {
    const meter = await this.meters.find(metric);
    if (meter === null) throw new BillingError('unknown_meter');
    if (meter.kind === 'cap')
      throw new BillingError('unprocessable', {
        detail: 'This metric is a cap: nothing is counted for it.',
      });
    const now = this.clock.now();
    const held = await this.entitlements.of(this.context.tenantId);
    const { limit } = limitHeld(held, ENTRIES, now, this.config.usage.gracePercent);
    const shown = Math.min(limit ?? MOST_ENTRIES, MOST_ENTRIES);
    const period = periodOf(wanted, held.current.anchor, now);
    // A gauge goes on from its beginning: its ranking is how things stood at the end of the period.
    const counted = meter.kind === 'gauge' ? { ...period, start: ALWAYS_START } : period;
    // One place is read even of none, since it says how many there are.
    const ranked = await this.leaderboards.rank(metric, meter.aggregation, counted, Math.max(shown, 1));
    const total = ranked[0]?.of ?? 0;
    return {
      metric,
      period: { start: period.start.toISOString(), end: period.end.toISOString() },
      entries: ranked.slice(0, shown).map(toEntry),
      total_subjects: total,
      limit,
      note: noteOf(shown, total, limit),
    };
  }
}

/**
 * A usage month by the tenant's anchor of today. Things that happened before a change of anchor are in the month
 * that they would be in now, so none falls between two.
 */
function periodOf(wanted: string, anchor: Date | null, now: Date): Period {
  const current = usageMonthOf(anchor, now);
  if (wanted === 'current') return current;
  if (wanted === 'previous') return usageMonthOf(anchor, new Date(current.start.getTime() - 1));
  const month = calendarMonth(new Date(`${wanted}-01T00:00:00Z`));
  // The one that contains the month's last moment is the one that begins in it.
  return usageMonthOf(anchor, new Date(month.end.getTime() - 1));
}

function noteOf(shown: number, total: number, limit: number | null): string | null {
  if (total <= shown && limit !== 0) return null;
  return `Showing top ${shown} of ${total}${limit === shown ? ' (plan limit)' : ''}`;
}

function toEntry({ rank, subject, used }: RankedSubject): LeaderboardView['entries'][number] {
  return { rank, subject, current_usage: quantityToJson(parseDecimal(used, 38)) };
}
