import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Access } from '../../../platform/http/access';
import { Idempotent } from '../../../platform/http/idempotency.interceptor';
import { Reconciliations } from '../reconciliation/reconciliations';
import {
  ListStripeEventsQueryDto,
  StripeEventDetailView,
  StripeEventPage,
  StripeEventView,
  StripeHealRunView,
  toStripeEventDetailView,
  toStripeEventView,
  toStripeHealRunView,
} from './stripe-events.dto';
import { StripeEventLog } from './stripe-event-log';

/** Stripe's inbox, for operators: what came, what became of it, and another try for what failed. */
@ApiTags('Admin: Stripe events')
@Controller('v1/admin/stripe-events')
export class StripeEventsAdminController {
  constructor(
    private readonly log: StripeEventLog,
    private readonly reconciliations: Reconciliations,
  ) {}

  /** Events, newest first. */
  @Get()
  @Access('admin:stripe')
  list(@Query() query: ListStripeEventsQueryDto): Promise<StripeEventPage> {
    return this.log.list(query);
  }

  /** Looks for events of Stripe's that never arrived, and takes them in; while that runs, the run is answered. */
  @Post('heal')
  @Access('admin:stripe')
  @Idempotent({ resumable: true })
  @HttpCode(202)
  async heal(): Promise<StripeHealRunView> {
    return toStripeHealRunView(await this.reconciliations.request('events'));
  }

  /** The last time missed events were looked for, with its report. */
  @Get('heal')
  @Access('admin:stripe')
  async lastHealing(): Promise<StripeHealRunView> {
    return toStripeHealRunView(await this.reconciliations.last('events'));
  }

  /** One event with its payload. */
  @Get(':id')
  @Access('admin:stripe')
  async find(@Param('id') id: string): Promise<StripeEventDetailView> {
    return toStripeEventDetailView(await this.log.get(id));
  }

  /** Gives an event that is dead or was ignored another try, as if it had just come. */
  @Post(':id/retry')
  @Access('admin:stripe')
  @Idempotent()
  @HttpCode(202)
  async retry(@Param('id') id: string): Promise<StripeEventView> {
    return toStripeEventView(await this.log.retry(id));
  }
}
