import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { actionTableMarkdown } from '../../src/domain/subscription-actions';
import { ROOT } from './source';

/** BILLING.md shows the table that the service decides by. */
const page = readFileSync(join(ROOT, 'BILLING.md'), 'utf8');

/** The formatter pads cells; what they say is what counts. */
const cellsOf = (table: string): string[][] =>
  table
    .trim()
    .split('\n')
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replace(/^-+$/, '---')),
    );

it('has the state × action table as the code has it (node scripts/action-table.mjs)', () => {
  const [, shown] = /<!-- action table -->\n([\s\S]*?)<!-- end of action table -->/.exec(page) ?? [];
  expect(shown).toBeDefined();
  expect(cellsOf(shown!)).toEqual(cellsOf(actionTableMarkdown()));
});
