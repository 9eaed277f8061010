import { Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import { CONFIG } from '../../platform/config/config.module';
import type { Config } from '../../platform/config/env';
import { Lifecycle } from '../../platform/lifecycle';
import { Logger } from '../../platform/logger';
import { Metrics } from '../../platform/metrics';

/** Serves /metrics without a key on a port of its own, which operators keep inside their network. */
@Injectable()
export class MetricsPort implements OnApplicationBootstrap {
  private readonly logger = new Logger('health');

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly metrics: Metrics,
    private readonly lifecycle: Lifecycle,
  ) {}

  /** @throws Error when the port is taken */
  async onApplicationBootstrap(): Promise<void> {
    const port = this.config.metricsPort;
    if (port === null) return;
    const server = createServer((request, response) => {
      this.answer(request, response).catch((error) => {
        this.logger.error('metrics.failed', error);
        response.writeHead(500).end();
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, this.config.host, resolve);
    });
    // Until the stores close, so that the last numbers of a stopping process can be read.
    this.lifecycle.onShutdown('redis', 'metrics port', async () => {
      server.close();
      server.closeAllConnections();
    });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.split('?', 1)[0];
    if (request.method !== 'GET' || path !== '/metrics') return void response.writeHead(404).end();
    const text = await this.metrics.registry.metrics();
    response.writeHead(200, {
      'content-type': this.metrics.registry.contentType,
      'cache-control': 'no-store',
    });
    response.end(text);
  }
}
