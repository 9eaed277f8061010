/**
 * Writes `parameters.generated.json`, the parameter trees the running sandbox checks requests against.
 * From the project's folder: `npm run build && node dist/sandbox/stripe/generate-parameters.js`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { schemasFromInterface } from './schema/type-schema';

// The declarations are read from the source, also when this runs from `dist/`.
const SOURCE = join(process.cwd(), 'sandbox/stripe');

/** The trees as text, exactly as committed; the contract tests compare. */
export function parameterTrees(): string {
  const book = schemasFromInterface(join(SOURCE, 'operations.ts'), 'OperationParameters');
  return `${JSON.stringify({ operations: book.roots, definitions: book.definitions }, null, 1)}\n`;
}

if (require.main === module) {
  writeFileSync(join(SOURCE, 'parameters.generated.json'), parameterTrees());
}
