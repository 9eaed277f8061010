import { Body, Controller, Post, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { isUuid } from '../../../contracts/ids';
import { Access } from '../../../platform/http/access';
import { Idempotent } from '../../../platform/http/idempotency.interceptor';
import { RequestContext } from '../../../platform/request-context';
import { CorrectionView, CorrectUsageDto, toCorrectionView } from './usage-corrections.dto';
import { UsageCorrections } from './usage-corrections.service';

/** Taking back what was recorded by mistake. */
@ApiTags('Usage')
@Controller('v1/billings/usage/corrections')
export class UsageCorrectionsController {
  constructor(
    private readonly corrections: UsageCorrections,
    private readonly requestContext: RequestContext,
  ) {}

  /**
   * Reverses an earlier event. The original stays in the ledger; the correction names it and its reason, and
   * counts where it counted, in a closed month too. For operators and trusted back ends.
   */
  @Post()
  @Access('usage:correct')
  @Idempotent({ resumable: true })
  @ApiCreatedResponse({ type: CorrectionView, description: 'Corrected now.' })
  @ApiOkResponse({ type: CorrectionView, description: 'It was corrected before: the first correction.' })
  async correct(
    @Body() { event_id, reason }: CorrectUsageDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CorrectionView> {
    const { id } = this.requestContext.actor;
    const result = await this.corrections.correct(event_id, reason, isUuid(id) ? id : null);
    void reply.status(result.isNew ? 201 : 200);
    return toCorrectionView(result);
  }
}
