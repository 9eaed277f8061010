import 'reflect-metadata';
import { ConfigError, loadConfig } from './platform/config/env';
import { Logger } from './platform/logger';
import { startService } from './service';

/** A process that cannot stop in this time is stuck; the orchestrator should know. */
const STUCK_MS = 15_000;

async function main(): Promise<void> {
  const config = loadConfig();
  const service = await startService(config);
  const logger = new Logger('main');
  const stop = (signal: string): void => {
    logger.info('service.stopping', { signal });
    setTimeout(() => process.exit(1), STUCK_MS).unref();
    void service.stop().then(() => process.exit(0));
  };
  process.once('SIGTERM', () => stop('SIGTERM'));
  process.once('SIGINT', () => stop('SIGINT'));
  // A promise nobody waited for is a mistake of ours, but no reason to drop everyone's requests (S-60).
  process.on('unhandledRejection', (reason) => logger.error('process.unhandled_rejection', reason));
}

main().catch((error: unknown) => {
  const text = error instanceof ConfigError ? error.message : `Could not start: ${(error as Error)?.stack}`;
  process.stderr.write(`${text}\n`);
  process.exit(1);
});
