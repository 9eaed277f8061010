import { Body, Controller, Delete, Get, Param, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Clock } from '../../platform/clock';
import { Access } from '../../platform/http/access';
import {
  LimitOverridesView,
  LimitOverrideView,
  SetLimitOverrideDto,
  toLimitOverrideView,
} from './limit-overrides.dto';
import { LimitOverrides } from './limit-overrides.service';

/** Limits of one tenant that are not its plan's, for operators. */
@ApiTags('Tenants')
@Controller('v1/admin/tenants/:id/limit-overrides')
export class LimitOverridesController {
  constructor(
    private readonly overrides: LimitOverrides,
    private readonly clock: Clock,
  ) {}

  /** All of a tenant's, expired ones too. */
  @Get()
  @Access('admin:tenants')
  async list(@Param('id') id: string): Promise<LimitOverridesView> {
    const now = this.clock.now();
    const found = await this.overrides.list(id);
    return { data: found.map((one) => toLimitOverrideView(one, now)) };
  }

  /** Sets a tenant's limit for a metric, in force with the answer. Audited. */
  @Put(':metric')
  @Access('admin:tenants')
  async set(
    @Param('id') id: string,
    @Param('metric') metric: string,
    @Body() body: SetLimitOverrideDto,
  ): Promise<LimitOverrideView> {
    const { limit, reason, expires_at } = body;
    const expiresAt = expires_at ? new Date(expires_at) : null;
    const set = await this.overrides.set(id, metric, { limit, reason, expiresAt });
    return toLimitOverrideView(set, this.clock.now());
  }

  /** Takes it away: the plan's limit counts again, with the answer. Audited. */
  @Delete(':metric')
  @Access('admin:tenants')
  async remove(@Param('id') id: string, @Param('metric') metric: string): Promise<LimitOverrideView> {
    return toLimitOverrideView(await this.overrides.remove(id, metric), this.clock.now());
  }
}
