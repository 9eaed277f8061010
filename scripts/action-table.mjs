// Writes the state × action table of src/domain/subscription-actions.ts into BILLING.md, between its two marks.
// Run it after `npm run build` when the table changed: node scripts/action-table.mjs. A test compares.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { format, resolveConfig } from 'prettier';

const require = createRequire(import.meta.url);
const { actionTableMarkdown } = require('../dist/src/domain/subscription-actions.js');

const page = new URL('../BILLING.md', import.meta.url);
const MARKS = /(<!-- action table -->\n)[\s\S]*?(<!-- end of action table -->)/;
const text = readFileSync(page, 'utf8');
if (!MARKS.test(text)) throw new Error('BILLING.md has lost the marks of its action table');
const written = text.replace(MARKS, (_all, begin, end) => `${begin}\n${actionTableMarkdown()}\n\n${end}`);
const options = await resolveConfig(page.pathname);
writeFileSync(page, await format(written, { ...options, parser: 'markdown' }));
console.log('BILLING.md written');
