import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { isUuid } from '../../../contracts/ids';
import { Clock } from '../../../platform/clock';
import { Access } from '../../../platform/http/access';
import { Cursors } from '../../../platform/http/cursor';
import { Idempotent } from '../../../platform/http/idempotency.interceptor';
import { toPage } from '../../../platform/http/page.dto';
import { RequestContext } from '../../../platform/request-context';
import { reservationWarning } from '../recording/limit-warning';
import { readQuantity } from '../recording/usage-event-input';
import {
  CommitReservationDto,
  ReservationPage,
  ReservationResultView,
  ReservationsQueryDto,
  ReserveDto,
  toReservationResultView,
  toReservationView,
} from './usage-reservations.dto';
import { DEFAULT_TTL_SECONDS, UsageReservations } from './usage-reservations.service';

/** Holding capacity before expensive work. */
@ApiTags('Usage')
@Controller('v1/billings/usage/reservations')
export class UsageReservationsController {
  constructor(
    private readonly reservations: UsageReservations,
    private readonly requestContext: RequestContext,
    private readonly cursors: Cursors,
    private readonly clock: Clock,
  ) {}

  /**
   * Holds capacity for work that is about to begin. What is used and what is reserved never pass the limit
   * together; the capacity comes back by itself when nobody commits it in time.
   */
  @Post()
  @Access('usage:write')
  @Idempotent({ resumable: true })
  async reserve(
    @Body() body: ReserveDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReservationResultView> {
    const result = await this.reservations.reserve({
      // The same call sent again under its Idempotency-Key names the same reservation.
      id: this.requestContext.operationId ?? undefined,
      metric: body.metric,
      quantity: readQuantity(body.quantity ?? 1)!,
      subject: body.subject ?? null,
      ttlSeconds: body.ttl_seconds ?? DEFAULT_TTL_SECONDS,
    });
    const warning = reservationWarning(body.metric, result.standing);
    if (warning !== null) void reply.header('x-limit-warning', warning);
    return toReservationResultView(result, this.clock.now());
  }

  /** All reservations, newest first. */
  @Get()
  @Access('usage:read')
  async list(@Query() { limit, cursor, status, metric }: ReservationsQueryDto): Promise<ReservationPage> {
    const list = `reservations?${JSON.stringify([status ?? null, metric ?? null])}`;
    const position = cursor === undefined ? null : this.cursors.decode(list, cursor);
    const after = position && { createdAt: String(position[0]), id: String(position[1]) };
    const now = this.clock.now();
    return toPage(
      await this.reservations.page({ status, metric }, after, limit + 1),
      limit,
      (row) => toReservationView(row, now),
      (row) => this.cursors.encode(list, [row.createdAt.toISOString(), row.id]),
    );
  }

  /** One reservation, and where its counter stands. */
  @Get(':id')
  @Access('usage:read')
  async get(@Param('id') id: string): Promise<ReservationResultView> {
    return toReservationResultView(await this.reservations.find(id), this.clock.now());
  }

  /**
   * Counts what the work took, all of it or less, and gives back the rest. It counts in the month that the
   * reservation was made in. The same commit again has the same effect: none.
   */
  @Post(':id/commit')
  @HttpCode(200)
  @Access('usage:write')
  @Idempotent({ resumable: true })
  async commit(@Param('id') id: string, @Body() body: CommitReservationDto): Promise<ReservationResultView> {
    const quantity = body.quantity === undefined ? null : readQuantity(body.quantity);
    const { id: actor } = this.requestContext.actor;
    const result = await this.reservations.commit(id, quantity, isUuid(actor) ? actor : null);
    return toReservationResultView(result, this.clock.now());
  }

  /** Gives the capacity back; again and after its time is over too, with no effect. */
  @Post(':id/release')
  @HttpCode(200)
  @Access('usage:write')
  @Idempotent({ resumable: true })
  async release(@Param('id') id: string): Promise<ReservationResultView> {
    return toReservationResultView(await this.reservations.release(id), this.clock.now());
  }
}
