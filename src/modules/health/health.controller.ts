import { Controller, Get, Res } from '@nestjs/common';
import { ApiProduces, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Access, Public } from '../../platform/http/access';
import { Metrics } from '../../platform/metrics';
import { LivenessView, ReadinessView } from './health.dto';
import { HealthService } from './health.service';

/** For orchestrators, load balancers and Prometheus. */
@ApiTags('Health')
@Controller()
export class HealthController {
  constructor(
    private readonly health: HealthService,
    private readonly metrics: Metrics,
  ) {}

  /** The process lives. Nothing else is asked, so that a database outage restarts nobody. */
  @Get('healthz')
  @Public()
  alive(): LivenessView {
    return { status: 'ok' };
  }

  /** Whether the process should be given requests. */
  @Get('readyz')
  @Public()
  @ApiServiceUnavailableResponse({ type: ReadinessView, description: 'Give this process no requests.' })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<ReadinessView> {
    const readiness = await this.health.readiness();
    const serves = readiness.status === 'ok' || readiness.status === 'degraded';
    void reply.status(serves ? 200 : 503);
    return readiness;
  }

  /** What the process counts, in Prometheus' text format. On METRICS_PORT the same is open to the inner network. */
  @Get('metrics')
  @Access('admin:metrics')
  @ApiProduces('text/plain')
  async prometheus(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    void reply.header('content-type', this.metrics.registry.contentType);
    return this.metrics.registry.metrics();
  }
}
