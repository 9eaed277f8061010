import { Body, Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BillingError } from '../../contracts/errors';
import { TenantContext } from '../../platform/database/tenant-context';
import { Access } from '../../platform/http/access';
import { HotAnswer, sendHot, ShortPath } from '../../platform/http/short-path';
import { checkJson, checkWarning } from './limit-answer';
import { readLimitCheck, readWantedAmounts } from './limit-check-input';
import { LimitFit } from './limit-fit';
import { LimitCheckDto, LimitCheckView, LimitValidationDto, LimitValidationView } from './limits.dto';
import { PlanLimitService } from './plan-limit.service';

/** Questions that change nothing, asked by POST because they have bodies; so they take no Idempotency-Key. */
@ApiTags('Limits')
@Controller('v1/billings/limits')
export class LimitChecksController {
  constructor(
    private readonly planLimits: PlanLimitService,
    private readonly fit: LimitFit,
    private readonly tenantContext: TenantContext,
    shortPath: ShortPath,
  ) {
    const pattern = '/v1/billings/limits/check';
    shortPath.offer({ method: 'POST', pattern, scope: 'usage:read', answer: (body) => this.answer(body) });
  }

  /**
   * May so much more of a metric be used? The answer admits nobody: between it and the use others may come first,
   * so record or reserve. Within the grace it carries x-limit-warning.
   */
  // Read and written by hand: validation pipe and serializer take longer than the decision (decisions 16).
  @Post('check')
  @HttpCode(200)
  @Access('usage:read')
  @ApiBody({ type: LimitCheckDto })
  @ApiOkResponse({ type: LimitCheckView })
  async check(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await sendHot(reply, await this.answer(request.body));
  }

  /** Would all of these fit at once, with what the tenant has, or with another plan? */
  @Post('validate')
  @HttpCode(200)
  @Access('usage:read')
  async validate(@Body() body: LimitValidationDto): Promise<LimitValidationView> {
    const wanted = readWantedAmounts(body.metrics);
    if (Array.isArray(wanted)) throw new BillingError('validation_failed', { errors: wanted });
    return this.fit.validate(wanted, body.plan_id ?? null);
  }

  private async answer(body: unknown): Promise<HotAnswer> {
    const question = readLimitCheck(body);
    if (Array.isArray(question)) throw new BillingError('validation_failed', { errors: question });
    const { tenantId } = this.tenantContext;
    const check = await this.planLimits.canPerformAction(tenantId, question.metric, question.count);
    return { status: 200, body: checkJson(check), warning: checkWarning(check) };
  }
}
