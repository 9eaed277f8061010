import { randomUUID } from 'node:crypto';
import type { JobName } from '../../src/contracts/jobs';
import { Clock } from '../../src/platform/clock';
import { ClockSync } from '../../src/platform/database/clock-sync';
import { JobRunner } from '../../src/platform/queue/job-runner';
import type { JobRun } from '../../src/platform/queue/on-job';
import type { ApiAnswer } from './api';
import type { TestService, TestTenant } from './service';

/** Runs a scheduled job now, as the scheduler would for one of its slots. */
export function runJob(
  service: TestService,
  name: Extract<JobName, `usage.${string}` | `tenants.${string}`>,
  run: Partial<JobRun> = {},
): Promise<void> {
  return service.get(JobRunner).run(name, {}, { slot: null, fence: null, previous: null, ...run });
}

/** Moves business time to a moment, for all processes. */
export async function moveClock(service: TestService, moment: Date): Promise<void> {
  const offset = moment.getTime() - service.get(Clock).realNow().getTime();
  await service.rows('update clock_offset set offset_ms = $1', [Math.round(offset)]);
  await service.get(ClockSync).sync();
}

/** Records usage; throws unless it was counted. */
export async function use(
  service: TestService,
  tenant: TestTenant,
  metric: string,
  quantity: number | string = 1,
  fields: Record<string, unknown> = {},
): Promise<ApiAnswer> {
  const answer = await service.api('POST', '/v1/billings/usage/events', {
    key: tenant.key,
    body: { event_id: randomUUID(), metric, quantity, ...fields },
  });
  if (answer.status !== 201) throw new Error(`${metric} ${quantity}: ${answer.status} ${answer.text}`);
  return answer;
}
