import type { Account } from '../account';
import { presentSession } from '../checkout/expiry';
import { cancelAtItsTime } from './cancellation';
import type { What } from './due';
import { expireIncomplete, expirePendingUpdate, expireResumption } from './expiry';
import { finalizeOnTime, markOverdue, retryPayment } from './dunning';
import { resumeCollection, tellTrialEnd, tellUpcoming } from './notices';
import { renew } from './renewal';
import { enterNextPhase, startSchedule } from './schedule-phases';
import { endTrial } from './trial-end';

/** Which process answers which appointment. Each gets the id of its object. */
const PROCESSES: Record<What, (account: Account, id: string) => void> = {
  schedule_start: startSchedule,
  schedule_phase: enterNextPhase,
  cancel: cancelAtItsTime,
  resume_collection: resumeCollection,
  expire_pending_update: expirePendingUpdate,
  expire_incomplete: expireIncomplete,
  expire_resumption: expireResumption,
  trial_end: endTrial,
  renewal: renew,
  finalize: finalizeOnTime,
  retry: retryPayment,
  overdue: markOverdue,
  expire_session: (account, id) => void presentSession(account, id),
  trial_will_end: tellTrialEnd,
  upcoming: tellUpcoming,
};

export function carryOut(account: Account, what: What, id: string): void {
  PROCESSES[what](account, id);
}
