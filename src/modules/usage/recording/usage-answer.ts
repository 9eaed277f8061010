import { PROBLEMS } from './usage-refusal';
import { UsageResult } from './usage-result';

/** An event of a batch that was not even one: what is wrong with it, as fields. */
export interface UnreadEvent {
  readonly event_id: string | null;
  readonly errors: readonly { pointer: string; code: string; message: string }[];
}

type Line = UsageResult | UnreadEvent;

/**
 * The answer to one event, or one line of the answer to a batch, as JSON text: written by hand, since a thousand
 * of them are a third of a batch's time in JSON.stringify. Ids, metrics and numbers need no escaping.
 */
export function resultJson(result: UsageResult): string {
  const { current_usage, remaining, period_start, problem } = result;
  return (
    `{"event_id":"${result.event_id}","status":"${result.status}","metric":"${result.metric}",` +
    `"current_usage":${json(current_usage)},"limit":${result.limit},"remaining":${json(remaining)},` +
    `"period_start":${period_start === null ? null : isoJson(period_start)},` +
    `"is_late":${result.is_late},"error":${problem === null ? null : problemJson(problem)}}`
  );
}

/**
 * `{ results, summary }`: the results in the order of the events, and how many there are of each status. As bytes:
 * Node takes several times as long to write a long text.
 */
export function batchJson(lines: readonly Line[]): Buffer {
  let isAscii = true;
  const summary = { recorded: 0, duplicate: 0, conflict: 0, limit_exceeded: 0, invalid: 0 };
  const results = lines.map((line) => {
    if ('errors' in line) {
      summary.invalid += 1;
      isAscii = false;
      return unreadJson(line);
    }
    if (line.problem !== null) isAscii = false;
    if (line.status !== 'below_zero') summary[line.status] += 1;
    return resultJson(line);
  });
  const text = `{"results":[${results.join(',')}],"summary":${JSON.stringify(summary)}}`;
  return Buffer.from(text, isAscii ? 'latin1' : 'utf8');
}

let latest: { readonly date: Date; readonly json: string } | null = null;

/** Nearly all events of a batch lie in the same month, which is one object. */
function isoJson(date: Date): string {
  if (latest?.date !== date) latest = { date, json: `"${date.toISOString()}"` };
  return latest.json;
}

function unreadJson({ event_id, errors }: UnreadEvent): string {
  return JSON.stringify({
    event_id,
    status: 'invalid',
    metric: null,
    current_usage: null,
    limit: null,
    remaining: null,
    period_start: null,
    is_late: false,
    error: { code: 'validation_failed', detail: 'Correct the fields named in errors.', errors },
  });
}

function problemJson(problem: NonNullable<UsageResult['problem']>): string {
  const { code, detail } = PROBLEMS[problem];
  return JSON.stringify({ code, detail, errors: [] });
}

function json(value: number | string | null): string {
  return typeof value === 'string' ? `"${value}"` : String(value);
}
