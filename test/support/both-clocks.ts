import { Clock } from '../../src/platform/clock';
import { moveClock } from './usage-jobs';
import type { TestService } from './service';

const DAY_MS = 86_400_000;

/** Moves the service's time and Stripe's together, as days go by; what falls due in Stripe happens on the way. */
export async function daysGoBy(service: TestService, days: number): Promise<void> {
  const moment = new Date(service.get(Clock).now().getTime() + days * DAY_MS);
  await moveClock(service, moment);
  service.stripe.advance(days * DAY_MS);
  await service.settle();
}
