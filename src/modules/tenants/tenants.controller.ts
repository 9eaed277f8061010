import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Clock } from '../../platform/clock';
import { Access } from '../../platform/http/access';
import { Cursors } from '../../platform/http/cursor';
import { Idempotent } from '../../platform/http/idempotency.interceptor';
import { toPage } from '../../platform/http/page.dto';
import { canonicalJson } from '../../platform/crypto';
import { TenantAdministration, TenantWithContacts } from './tenant-administration';
import {
  ChangeTenantDto,
  CreateTenantDto,
  TenantDetailView,
  TenantPage,
  TenantsQueryDto,
  toTenantDetailView,
  toTenantView,
} from './tenants.dto';

/** Tenants, for operators. */
@ApiTags('Tenants')
@Controller('v1/admin/tenants')
export class TenantsController {
  constructor(
    private readonly administration: TenantAdministration,
    private readonly cursors: Cursors,
    private readonly clock: Clock,
  ) {}

  /** Creates a tenant and starts its trial. 200 when the tenant with this id is there and says the same. */
  @Post()
  @Access('admin:tenants')
  @Idempotent()
  @ApiCreatedResponse({ type: TenantDetailView, description: 'Made now.' })
  @ApiOkResponse({ type: TenantDetailView, description: 'It was there already and says the same.' })
  async create(
    @Body() body: CreateTenantDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TenantDetailView> {
    const created = await this.administration.create(body);
    void reply.status(created.isNew ? 201 : 200);
    return this.view(created);
  }

  /** All tenants, newest first. */
  @Get()
  @Access('admin:tenants')
  async list(@Query() query: TenantsQueryDto): Promise<TenantPage> {
    const { limit, cursor, search, status, plan, payment_status } = query;
    const list = `tenants?${canonicalJson({ search, status, plan, payment_status })}`;
    const after = cursor ? this.cursors.decode(list, cursor) : null;
    const tenants = await this.administration.list(
      { search, status, planId: plan, paymentStatus: payment_status },
      after && { createdAt: String(after[0]), id: String(after[1]) },
      limit,
    );
    const now = this.clock.now();
    return toPage(
      tenants,
      limit,
      (tenant) => toTenantView(tenant, now),
      (tenant) => this.cursors.encode(list, [tenant.createdAt.toISOString(), tenant.id]),
    );
  }

  /** One tenant with its people. */
  @Get(':id')
  @Access('admin:tenants')
  async get(@Param('id') id: string): Promise<TenantDetailView> {
    return this.view(await this.administration.get(id));
  }

  /** Changes what is sent; what is left out or null stays as it is. */
  @Patch(':id')
  @Access('admin:tenants')
  async edit(@Param('id') id: string, @Body() body: ChangeTenantDto): Promise<TenantDetailView> {
    return this.view(await this.administration.edit(id, given(body)));
  }

  /** Schedules the deletion of the tenant, 30 days from now. */
  @Post(':id/deletion')
  @HttpCode(200)
  @Access('admin:tenants')
  @Idempotent()
  async scheduleDeletion(@Param('id') id: string): Promise<TenantDetailView> {
    return this.view(await this.administration.scheduleDeletion(id));
  }

  /** Calls a scheduled deletion off: the status beneath it shows again. */
  @Delete(':id/deletion')
  @HttpCode(200)
  @Access('admin:tenants')
  async cancelDeletion(@Param('id') id: string): Promise<TenantDetailView> {
    return this.view(await this.administration.cancelDeletion(id));
  }

  private view({ tenant, contacts }: TenantWithContacts): TenantDetailView {
    return toTenantDetailView(tenant, contacts, this.clock.now());
  }
}

/** The fields that were sent with a value; null and absent both leave a column as it is. */
function given(body: ChangeTenantDto): Partial<ChangeTenantDto> {
  return Object.fromEntries(
    Object.entries(body).filter(([, value]) => value !== undefined && value !== null),
  ) as Partial<ChangeTenantDto>;
}
