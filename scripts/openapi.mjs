// Writes openapi.json from the code, or with --check compares the committed one (CI).
// The document is made from the compiled service, because the Swagger plugin works at compile time.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const target = new URL('../openapi.json', import.meta.url);
const { writeOpenApi } = require('../dist/src/openapi.js');

const document = `${JSON.stringify(await writeOpenApi(), null, 2)}\n`;
if (!process.argv.includes('--check')) {
  writeFileSync(target, document);
  console.log('openapi.json written');
} else if (readFileSync(target, 'utf8') !== document) {
  console.error(
    'openapi.json does not match the code: run `npm run build` and `npm run openapi`, then commit it.',
  );
  process.exit(1);
} else {
  console.log('openapi.json matches the code');
}
// The application was never started, but its clients keep timers.
process.exit(0);
