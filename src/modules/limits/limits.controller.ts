import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { TenantContext } from '../../platform/database/tenant-context';
import { Access } from '../../platform/http/access';
import { PlanLimitsView, toPlanLimitsView } from './limits.dto';
import { PlanLimitService } from './plan-limit.service';

/** What the tenant may use. */
@ApiTags('Limits')
@Controller('v1/billings/limits')
export class LimitsController {
  constructor(
    private readonly planLimits: PlanLimitService,
    private readonly tenantContext: TenantContext,
  ) {}

  /** Every limit of the tenant, where its number came from, and how much of it is used. */
  @Get()
  @Access('usage:read')
  async list(): Promise<PlanLimitsView> {
    return toPlanLimitsView(await this.planLimits.standings(this.tenantContext.tenantId));
  }
}
