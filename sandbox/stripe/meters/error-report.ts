import type Stripe from 'stripe';
import type { Account } from '../account';
import { randomText } from '../random';
import type { MeterEventRecord, ThinEvent } from '../tables';

/** Stripe's names for what is wrong with usage (`error_report_triggered`, `reason.error_types[].code`). */
export type MeterErrorCode =
  | 'archived_meter'
  | 'meter_event_customer_not_found'
  | 'meter_event_no_customer_defined'
  | 'meter_event_invalid_value'
  | 'meter_event_value_too_many_digits'
  | 'no_meter';

/**
 * Tells by an event notification that usage could not be counted. Stripe sums errors up over a few minutes; here each
 * is told by itself, which is the same to a receiver that must not rely on the list being whole.
 */
export function reportMeterError(
  account: Account,
  meter: Stripe.Billing.Meter | null,
  code: MeterErrorCode,
  event: MeterEventRecord,
): void {
  const at = new Date(account.now() * 1000).toISOString();
  const notification: ThinEvent = {
    id: `evt_test_${randomText(28)}`,
    object: 'v2.core.event',
    type: meter ? 'v1.billing.meter.error_report_triggered' : 'v1.billing.meter.no_meter_found',
    created: at,
    livemode: false,
    related_object: meter
      ? { id: meter.id, type: 'billing.meter', url: `/v1/billing/meters/${meter.id}` }
      : null,
    data: {
      developer_message_summary: 'There is 1 invalid event',
      reason: {
        error_count: 1,
        error_types: [
          {
            code,
            error_count: 1,
            sample_errors: [
              {
                error_message: `The event could not be counted: ${code}.`,
                request: { identifier: event.id },
              },
            ],
          },
        ],
      },
      validation_start: at,
      validation_end: at,
    },
  };
  account.notify(notification);
}
