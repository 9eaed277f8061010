import type { Account } from '../account';
import type { BillingSettings } from '../tables';

/** What Stripe's dashboard calls billing settings, with its usual values. */
const DEFAULTS: BillingSettings = {
  id: 'settings',
  // Days between one failed attempt and the next retry.
  retry_days: [3, 5, 7],
  after_retries: 'cancel',
  upcoming_days: 7,
  // Stripe leaves a renewal's draft open for about an hour.
  finalize_after_seconds: 3600,
};

export function settingsOf(account: Account): BillingSettings {
  return account.store.find('settings', 'settings') ?? DEFAULTS;
}

/**
 * Changes settings; what is not given stays.
 * @throws RangeError for unknown names or values.
 */
export function changeSettings(account: Account, wanted: unknown): BillingSettings {
  if (typeof wanted !== 'object' || wanted === null || Array.isArray(wanted))
    throw new RangeError('Settings are a JSON object.');
  const changed = { ...settingsOf(account) };
  for (const [name, value] of Object.entries(wanted)) {
    switch (name) {
      case 'retry_days':
        if (!Array.isArray(value) || value.length > 8 || !value.every((days) => isCount(days, 1, 60)))
          throw new RangeError('retry_days is a list of up to 8 whole numbers from 1 to 60.');
        changed.retry_days = value as number[];
        break;
      case 'after_retries':
        if (value !== 'cancel' && value !== 'unpaid' && value !== 'past_due')
          throw new RangeError('after_retries is cancel, unpaid or past_due.');
        changed.after_retries = value;
        break;
      case 'upcoming_days':
        if (!isCount(value, 0, 45)) throw new RangeError('upcoming_days is a whole number from 0 to 45.');
        changed.upcoming_days = value;
        break;
      case 'finalize_after_seconds':
        if (!isCount(value, 0, 259_200))
          throw new RangeError('finalize_after_seconds is a whole number from 0 to 259200.');
        changed.finalize_after_seconds = value;
        break;
      default:
        throw new RangeError(`Unknown setting: ${name}`);
    }
  }
  account.store.put('settings', changed);
  return changed;
}

function isCount(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}
