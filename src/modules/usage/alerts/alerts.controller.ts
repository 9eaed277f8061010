import { Body, Controller, Get, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Access } from '../../../platform/http/access';
import { AlertRulesDto, AlertsView } from './alerts.dto';
import { AlertsService } from './alerts.service';

/** At which parts of its limits a tenant is told, and which it has reached. */
@ApiTags('Usage')
@Controller('v1/billings/alerts')
export class AlertsController {
  constructor(private readonly alerts: AlertsService) {}

  /** The rules in force, and the levels reached in the open usage month and by gauges, for a banner. */
  @Get()
  @Access('usage:read')
  view(): Promise<AlertsView> {
    return this.alerts.view();
  }

  /** Replaces all rules. A metric without a rule follows `*`, and without that the defaults: 50, 80, 95 and 100. */
  @Put()
  @Access('usage:write')
  replace(@Body() body: AlertRulesDto): Promise<AlertsView> {
    return this.alerts.replace(body.rules);
  }
}
