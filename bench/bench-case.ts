/** What a case is, and what it answers. */
import type { BenchOptions } from './options';
import type { Servers } from './stage/servers';
import type { SideResult } from './turns';

export interface BenchContext {
  readonly servers: Servers;
  readonly options: BenchOptions;
  /** Tells the person who waits what is going on. */
  say(text: string): void;
}

/** One line of the table. */
export interface Line {
  readonly case: string;
  readonly what: string;
  readonly unit: string;
  /** null: the case was not correct, so it has no figure. */
  readonly figure: number | null;
  readonly baseline: number | null;
  /** figure / baseline; null when there is no baseline. */
  readonly ratio: number | null;
  /** In words; '' when there is none. */
  readonly goal: string;
  /** Whether the goal was reached; null without a goal. */
  readonly ok: boolean | null;
}

export interface Outcome {
  readonly lines: Line[];
  /** What a reader of the figures should know: sizes, processor shares, hot spots. */
  readonly notes: string[];
  /** Every single round, by side. */
  readonly sides: Record<string, SideResult>;
}

export interface BenchCase {
  readonly id: string;
  readonly title: string;
  /** @throws Incorrect when something was lost, doubled or admitted above its limit */
  run(context: BenchContext): Promise<Outcome>;
}

/** The case did something wrong, so that its speed means nothing. */
export class Incorrect extends Error {
  constructor(readonly faults: readonly string[]) {
    super(faults.join('; '));
  }
}

/** A line whose goal is a share of the baseline. */
export function ratioLine(
  line: Pick<Line, 'case' | 'what' | 'unit'> & { figure: number; baseline: number },
  atLeast: number,
): Line {
  const ratio = line.figure / line.baseline;
  return { ...line, ratio, goal: `≥ ${atLeast.toFixed(2)}`, ok: ratio >= atLeast };
}

/** A line whose goal is an upper bound. */
export function boundLine(
  line: Pick<Line, 'case' | 'what' | 'unit'> & { figure: number; baseline?: number },
  atMost: number,
): Line {
  const { baseline = null } = line;
  return {
    ...line,
    baseline,
    ratio: baseline === null ? null : line.figure / baseline,
    goal: `≤ ${atMost} ${line.unit}`,
    ok: line.figure <= atMost,
  };
}
