import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BillingError } from '../../contracts/errors';
import { TenantContext } from '../../platform/database/tenant-context';
import { Access } from '../../platform/http/access';
import { HotAnswer, sendHot, ShortPath } from '../../platform/http/short-path';
import { METRIC_KEY } from '../usage/recording/usage-event-input';
import { AccessService } from './access.service';
import { checkJson, checkWarning, featureJson } from './limit-answer';
import { FeatureAccessView, LimitCheckView } from './limits.dto';
import { PlanLimitService } from './plan-limit.service';

const FEATURES = '/v1/billings/access/features/';
const METRICS = '/v1/billings/access/metrics/';
const FEATURE = /^[a-z0-9_.-]{1,64}$/;

/** The two questions that tenant apps ask most. Parameters are read by hand, as bodies are in limit checks. */
@ApiTags('Limits')
@Controller('v1/billings/access')
export class AccessController {
  constructor(
    private readonly access: AccessService,
    private readonly planLimits: PlanLimitService,
    private readonly tenantContext: TenantContext,
    shortPath: ShortPath,
  ) {
    const hot = { method: 'GET', scope: 'usage:read' } as const;
    shortPath.offer({ ...hot, pattern: `${FEATURES}:feature`, answer: (name) => this.answerFeature(name) });
    shortPath.offer({ ...hot, pattern: `${METRICS}:metric`, answer: (name) => this.answerMetric(name) });
  }

  /** Does the tenant have a feature? A name that no plan can have is not found. */
  @Get('features/:feature')
  @Access('usage:read')
  @ApiParam({ name: 'feature', type: String })
  @ApiOkResponse({ type: FeatureAccessView })
  async feature(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { feature } = request.params as { feature: string };
    await sendHot(reply, await this.answerFeature(feature));
  }

  /** May the tenant use one more of a metric? */
  @Get('metrics/:metric')
  @Access('usage:read')
  @ApiParam({ name: 'metric', type: String })
  @ApiOkResponse({ type: LimitCheckView })
  async metric(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { metric } = request.params as { metric: string };
    await sendHot(reply, await this.answerMetric(metric));
  }

  private async answerFeature(feature: unknown): Promise<HotAnswer> {
    if (!FEATURE.test(feature as string)) throw new BillingError('not_found');
    const found = await this.access.featureAccess(this.tenantContext.tenantId, feature as string);
    return { status: 200, body: featureJson(found), warning: null };
  }

  private async answerMetric(metric: unknown): Promise<HotAnswer> {
    if (!METRIC_KEY.test(metric as string)) throw new BillingError('unknown_meter');
    const check = await this.planLimits.canPerformAction(this.tenantContext.tenantId, metric as string);
    return { status: 200, body: checkJson(check), warning: checkWarning(check) };
  }
}
