import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Access } from '../../../platform/http/access';
import { UsageCost } from './usage-cost.service';
import { toCostView, UsageCostView } from './usage-cost.dto';
import { UsageHistory } from './usage-history.service';
import {
  toHistoryView,
  toOverviewView,
  UsageHistoryQueryDto,
  UsageHistoryView,
  UsageOverviewView,
} from './usage-overview.dto';
import { UsageOverview } from './usage-overview.service';

/** How much a tenant uses, for people. */
@ApiTags('Usage')
@Controller('v1/billings/usage')
export class UsageOverviewController {
  constructor(
    private readonly overview: UsageOverview,
    private readonly history: UsageHistory,
    private readonly cost: UsageCost,
  ) {}

  /** How all metrics stand now, against their limits and against the month before. */
  @Get()
  @Access('usage:read')
  async read(): Promise<UsageOverviewView> {
    return toOverviewView(await this.overview.read());
  }

  /** How a metric went over time, by the hour, day or month at which things happened. */
  @Get('history')
  @Access('usage:read')
  async series(@Query() query: UsageHistoryQueryDto): Promise<UsageHistoryView> {
    const history = await this.history.read({
      metric: query.metric,
      from: query.from === undefined ? null : new Date(query.from),
      to: query.to === undefined ? null : new Date(query.to),
      granularity: query.granularity,
      bySubject: query.group_by === 'subject',
    });
    return toHistoryView(history, query);
  }

  /**
   * What the usage month costs so far, and what it may come to. An estimate: before discounts and tax, and what
   * Stripe prices by itself is only named.
   */
  @Get('cost')
  @Access('usage:read')
  async costs(): Promise<UsageCostView> {
    return toCostView(await this.cost.read());
  }
}
