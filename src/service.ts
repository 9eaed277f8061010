import { NestFactory } from '@nestjs/core';
import { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { AddressInfo } from 'node:net';
import { AppModule } from './app.module';
import type { Config } from './platform/config/env';
import { ClockSync } from './platform/database/clock-sync';
import { migrate } from './platform/database/migrate';
import { createFastifyAdapter } from './platform/http/fastify-adapter';
import { HttpEdge } from './platform/http/http-edge';
import { ProblemFilter } from './platform/http/problem.filter';
import { bodyValidation } from './platform/http/validation';
import { Lifecycle } from './platform/lifecycle';
import { configureLogger, Logger, NestLogger } from './platform/logger';
import { serveWeb } from './platform/http/static-web';

/** One running process of the service. */
export interface RunningService {
  app: NestFastifyApplication;
  /** Where it listens, for instance http://127.0.0.1:3000. */
  url: string;
  /** Stops in the right order and loses nothing; safe to call twice. */
  stop(): Promise<void>;
}

/** Builds the application with all its routes, without listening; the OpenAPI script uses it too. */
export async function createApplication(config: Config): Promise<NestFastifyApplication> {
  const adapter = createFastifyAdapter(config);
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(config), adapter, {
    bodyParser: false,
    abortOnError: false,
    logger: new NestLogger(),
  });
  const edge = app.get(HttpEdge);
  edge.install(adapter.getInstance());
  app.useGlobalPipes(bodyValidation());
  app.useGlobalFilters(new ProblemFilter());
  await serveWeb(adapter.getInstance());
  return app;
}

/**
 * Starts one process: schema first, then routes, then background work if its role has it, then the door.
 * @throws Error when a route does not say who may call it, or a job has no handler
 */
export async function startService(config: Config): Promise<RunningService> {
  configureLogger(config.logLevel);
  const logger = new Logger('service');
  await migrate(config.database.migrationUrl, config.database.url);
  const app = await createApplication(config);
  const lifecycle = app.get(Lifecycle);
  try {
    await app.init();
    app.get(HttpEdge).refuseUnguardedRoutes();
    await app.get(ClockSync).start();
    lifecycle.onShutdown('intake', 'http server', () => closeDoor(app));
    if (config.shutdownDelayMs > 0)
      lifecycle.onShutdown('readiness', 'load balancers look away', () => pauseFor(config.shutdownDelayMs));
    if (config.role !== 'api') await lifecycle.startBackground();
    await app.listen(config.port, config.host);
  } catch (error) {
    await lifecycle.shutdown();
    throw error;
  }
  const { port } = app.getHttpServer().address() as AddressInfo;
  logger.info('service.started', { port, role: config.role });
  return { app, url: `http://127.0.0.1:${port}`, stop: () => lifecycle.shutdown() };
}

/** Takes no new connection, answers what was begun, and hangs up on those who have been answered. */
async function closeDoor(app: NestFastifyApplication): Promise<void> {
  const server = app.getHttpServer();
  const hangUp = setInterval(() => server.closeIdleConnections(), 50);
  try {
    await app.getHttpAdapter().close();
  } finally {
    clearInterval(hangUp);
  }
}

function pauseFor(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
