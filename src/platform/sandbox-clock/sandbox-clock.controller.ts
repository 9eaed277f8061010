import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { BillingError } from '../../contracts/errors';
import { addDuration, parseDuration } from '../../domain/duration';
import { Clock } from '../clock';
import { Access } from '../http/access';
import { AdvanceClockDto, ClockView, JourneyView } from './sandbox-clock.dto';
import { TimeTravel } from './time-travel';

/** Longer journeys are two calls. */
const MOST_MONTHS = 24;

/** The one clock of the sandbox. These routes do not exist anywhere else. */
@ApiTags('Sandbox')
@Controller('v1/sandbox/clock')
export class SandboxClockController {
  constructor(
    private readonly timeTravel: TimeTravel,
    private readonly clock: Clock,
  ) {}

  /** What time it is, and how far it was moved. */
  @Get()
  @Access('admin:sandbox')
  view(): ClockView {
    const now = this.clock.now();
    return { now, ahead_ms: Math.round(now.getTime() - this.clock.realNow().getTime()) };
  }

  /**
   * Moves the service's clock, Stripe's and all due jobs forward together, step by step, and tells what fired.
   * Sending it again moves time again.
   */
  @Post()
  @HttpCode(200)
  @Access('admin:sandbox')
  async advance(@Body() { advance }: AdvanceClockDto): Promise<JourneyView> {
    const duration = parseDuration(advance);
    const now = this.clock.now();
    const target = duration && addDuration(now, duration);
    if (!duration || !target || target <= now || target > addDuration(now, { months: MOST_MONTHS, ms: 0 }))
      throw new BillingError('validation_failed', {
        errors: [
          {
            pointer: '/advance',
            code: 'invalid_duration',
            message: 'advance must be an ISO 8601 duration above zero and of at most two years.',
          },
        ],
      });
    return this.timeTravel.advance(duration);
  }
}
