import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BillingError } from '../../contracts/errors';
import { TenantContext } from '../../platform/database/tenant-context';
import { Access } from '../../platform/http/access';
import { METRIC_KEY } from '../usage/usage-event-input';
import { AccessService } from './access.service';
import { checkJson, checkWarning, featureJson } from './limit-answer';
import { FeatureAccessView, LimitCheckView } from './limits.dto';
import { PlanLimitService } from './plan-limit.service';

const JSON_TYPE = 'application/json; charset=utf-8';
const FEATURE = /^[a-z0-9_.-]{1,64}$/;

/** The two questions that tenant apps ask most. Parameters are read by hand, as bodies are in limit checks. */
@ApiTags('Limits')
@Controller('v1/billings/access')
export class AccessController {
  constructor(
    private readonly access: AccessService,
    private readonly planLimits: PlanLimitService,
    private readonly tenantContext: TenantContext,
  ) {}

  /** Does the tenant have a feature? A name that no plan can have is not found. */
  @Get('features/:feature')
  @Access('usage:read')
  @ApiParam({ name: 'feature', type: String })
  @ApiOkResponse({ type: FeatureAccessView })
  async feature(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { feature } = request.params as { feature: string };
    if (!FEATURE.test(feature)) throw new BillingError('not_found');
    const found = await this.access.featureAccess(this.tenantContext.tenantId, feature);
    void reply.status(200).header('content-type', JSON_TYPE).send(featureJson(found));
  }

  /** May the tenant use one more of a metric? */
  @Get('metrics/:metric')
  @Access('usage:read')
  @ApiParam({ name: 'metric', type: String })
  @ApiOkResponse({ type: LimitCheckView })
  async metric(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { metric } = request.params as { metric: string };
    if (!METRIC_KEY.test(metric)) throw new BillingError('unknown_meter');
    const check = await this.planLimits.canPerformAction(this.tenantContext.tenantId, metric);
    const warning = checkWarning(check);
    if (warning !== null) void reply.header('x-limit-warning', warning);
    void reply.status(200).header('content-type', JSON_TYPE).send(checkJson(check));
  }
}
