import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Access } from '../../platform/http/access';
import { Idempotent } from '../../platform/http/idempotency.interceptor';
import { PlanEditor } from './plan-editor';
import { PlanSyncRuns } from './plan-sync-runs';
import {
  CreatePlanDto,
  DeletePlanQueryDto,
  ListPlansQueryDto,
  PlanPage,
  PlanSyncRunView,
  PlanView,
  toPlanSyncRunView,
  toPlanView,
  UpdatePlanDto,
} from './plan.dto';
import { PlansService } from './plans.service';

/** What is sold, for operators. */
@ApiTags('Admin: plans')
@Controller('v1/admin/plans')
export class PlansAdminController {
  constructor(
    private readonly plans: PlansService,
    private readonly editor: PlanEditor,
    private readonly syncRuns: PlanSyncRuns,
  ) {}

  /** Makes a plan, with its product and price in Stripe when it costs something. */
  @Post()
  @Access('admin:plans')
  @Idempotent({ resumable: true })
  async create(@Body() body: CreatePlanDto): Promise<PlanView> {
    return toPlanView(await this.editor.create(body));
  }

  /** All plans, newest first. */
  @Get()
  @Access('admin:plans')
  list(@Query() query: ListPlansQueryDto): Promise<PlanPage> {
    return this.plans.list(query);
  }

  /** Starts the Stripe sync; while one waits or runs, that one is answered. */
  @Post('sync')
  @Access('admin:plans')
  @Idempotent({ resumable: true })
  @HttpCode(202)
  async startSync(): Promise<PlanSyncRunView> {
    return toPlanSyncRunView(await this.syncRuns.request());
  }

  /** The last run of the Stripe sync, with its report. */
  @Get('sync')
  @Access('admin:plans')
  async lastSync(): Promise<PlanSyncRunView> {
    return toPlanSyncRunView(await this.syncRuns.last());
  }

  /** One plan in any state. */
  @Get(':id')
  @Access('admin:plans')
  async find(@Param('id') id: string): Promise<PlanView> {
    return toPlanView(await this.plans.get(id));
  }

  /** Replaces all editable fields of a plan. */
  @Put(':id')
  @Access('admin:plans')
  async update(@Param('id') id: string, @Body() body: UpdatePlanDto): Promise<PlanView> {
    return toPlanView(await this.editor.update(id, body));
  }

  /** Takes a plan off the shelf; refused while tenants are on it, unless they may move to another. */
  @Delete(':id')
  @Access('admin:plans')
  async deactivate(@Param('id') id: string, @Query() query: DeletePlanQueryDto): Promise<PlanView> {
    return toPlanView(await this.editor.deactivate(id, query.replace_with));
  }
}
