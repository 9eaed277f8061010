/** The table a person reads. */
import type { Line } from './bench-case';
import type { SideResult } from './turns';

const HEADINGS = ['case', 'figure', 'baseline', 'ratio', 'goal', 'ok'];

/** The lines as a table in plain text, columns aligned. */
export function table(lines: readonly Line[]): string {
  const rows = [HEADINGS, ...lines.map(cells)];
  const widths = HEADINGS.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const text = rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at]!))
      .join('  ')
      .trimEnd(),
  );
  text.splice(1, 0, widths.map((width) => '─'.repeat(width)).join('──'));
  return text.join('\n');
}

function cells(line: Line): string[] {
  return [
    `${line.case} ${line.what}`,
    line.figure === null ? 'not correct' : `${shown(line.figure)} ${line.unit}`,
    line.baseline === null ? '–' : `${shown(line.baseline)} ${line.unit}`,
    line.ratio === null ? '–' : line.ratio.toFixed(2),
    line.goal || '–',
    line.ok === null ? '–' : line.ok ? 'yes' : 'NO',
  ];
}

/** Whole numbers above a hundred; three digits below. */
function shown(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}

/** For each side, how long an answer took and who used the processors. */
export function sideNotes(name: string, sides: Record<string, SideResult>): string[] {
  return Object.entries(sides).map(
    ([side, { perSecond, p50Ms, p99Ms, cores, rounds }]) =>
      `${name} ${side}: p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms; ` +
      `rounds ${spread(rounds)}; ${processorInWords(cores, perSecond)}`,
  );
}

function spread(rounds: SideResult['rounds']): string {
  const rates = rounds.map((round) => Math.round(round.perSecond));
  return `${Math.min(...rates).toLocaleString('en')}–${Math.max(...rates).toLocaleString('en')}/s`;
}

/** Time of the processors for one unit: it hardly changes when somebody else uses the machine, as rates do. */
function processorInWords(cores: Record<string, number>, perSecond: number): string {
  const perUnit = (share: number) => `${((share / perSecond) * 1e6).toPrecision(3)}`;
  const all = Object.values(cores).reduce((sum, share) => sum + share, 0);
  const parts = Object.entries(cores).map(([who, share]) => `${who} ${perUnit(share)}`);
  return `${perUnit(all)} µs of processor each (${parts.join(', ')}), ${all.toFixed(2)} cores`;
}
