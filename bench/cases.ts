/** All cases, in the order in which they run. */
import type { BenchCase } from './bench-case';
import { batchIngest } from './cases/b01-batch-ingest';
import { singleEvents } from './cases/b02-single-events';
import { limitChecks } from './cases/b03-limit-checks';
import { webhooks } from './cases/b04-webhooks';
import { reads } from './cases/b05-reads';
import { hotCounter } from './cases/b06-hot-counter';
import { growth } from './cases/b07-growth';
import { usageExport } from './cases/b08-export';
import { rebuild } from './cases/b09-rebuild';
import { start } from './cases/b11-start';
import { replicas } from './cases/b12-replicas';
import { generator } from './cases/generator';

export const CASES: readonly BenchCase[] = [
  generator,
  batchIngest,
  singleEvents,
  limitChecks,
  webhooks,
  reads,
  hotCounter,
  growth,
  usageExport,
  rebuild,
  start,
  replicas,
];
