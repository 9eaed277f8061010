// Writes openapi.json from the code, or with --check compares the committed one (CI). A path names another file.
// The document is made from the compiled service, because the Swagger plugin works at compile time.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const words = process.argv.slice(2);
const isCheck = words.includes('--check');
const target = words.find((word) => !word.startsWith('--')) ?? new URL('../openapi.json', import.meta.url);
const { writeOpenApi } = require('../dist/src/openapi.js');

const document = `${JSON.stringify(await writeOpenApi(), null, 2)}\n`;
if (!isCheck) {
  writeFileSync(target, document);
  console.log('openapi.json written');
} else if (readFileSync(target, 'utf8') === document) {
  console.log('openapi.json matches the code');
} else {
  const place = firstDifference(readFileSync(target, 'utf8'), document);
  console.error(
    `openapi.json does not match the code, first in line ${place}: ` +
      'run `npm run build` and `npm run openapi`, then commit it.',
  );
  process.exit(1);
}
// The application was never started, but its clients keep timers.
process.exit(0);

/** The first line that differs, its number and both texts. */
function firstDifference(committed, made) {
  const [before, after] = [committed.split('\n'), made.split('\n')];
  const at = after.findIndex((line, index) => line !== before[index]);
  const line = at === -1 ? after.length : at;
  return `${line + 1} (${before[line]?.trim() ?? 'end'} -> ${after[line]?.trim() ?? 'end'})`;
}
