/** What `npm run bench -- …` was asked for. */
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Ids of cases; empty = all. */
  readonly cases: readonly string[];
  /** The result on standard output as JSON, all else on standard error. */
  readonly json: boolean;
  readonly rounds: number;
  /** Length of a round. */
  readonly seconds: number;
  /** The sizes of design/performance.md, which take minutes to seed and gigabytes of disk. */
  readonly full: boolean;
  /** Shows where the service spends its time; such figures are not to be compared. */
  readonly profile: boolean;
  /** Overrides a case's connections, to see what they change; null = as the case has them. */
  readonly connections: number | null;
}

export const USAGE = `npm run bench -- [B1 B2 …] [options]
  --rounds N       measured rounds of each side (default 5)
  --seconds N      length of a round (default 4)
  --json           the result as JSON on standard output
  --full           the sizes of the goals: 10 M events, 100,000 tenants (default: a tenth of them or less)
  --profile        the hottest functions of the service
  --connections N  other than a case's own`;

/** @throws Error naming what was not understood */
export function readOptions(args: string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '4' },
      full: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      connections: { type: 'string' },
    },
  });
  return {
    cases: positionals.map((id) => id.toUpperCase()),
    json: values.json,
    rounds: positive('--rounds', values.rounds),
    seconds: positive('--seconds', values.seconds),
    full: values.full,
    profile: values.profile,
    connections: values.connections === undefined ? null : positive('--connections', values.connections),
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${name} must be a number above 0, not ${text}.`);
  return value;
}
