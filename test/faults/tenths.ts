import { forEachOf } from './parallel';

const BATCH = 1000;

/**
 * Sends batches of a thousand events of 0.1 each, four at a time.
 * @throws Error when one was not recorded
 */
export async function sendTenths(
  send: (events: object[]) => Promise<{ status: number; body: { summary?: { recorded: number } } }>,
  batches: number,
): Promise<void> {
  await forEachOf(
    Array.from({ length: batches }, (_, at) => at),
    4,
    async (batch) => {
      const events = Array.from({ length: BATCH }, (_, at) => ({
        event_id: `tenth-${batch}-${at}`,
        metric: 'scale_1',
        quantity: '0.1',
      }));
      const { status, body } = await send(events);
      if (status !== 200 || body.summary?.recorded !== BATCH)
        throw new Error(`a batch of tenths: ${status} ${JSON.stringify(body.summary)}`);
    },
  );
}
