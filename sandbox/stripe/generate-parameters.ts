/** Writes `parameters.generated.json`, the parameter trees the running sandbox checks requests against. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { schemasFromInterface } from './schema/type-schema';

/** The trees as text, exactly as committed; the contract tests compare. */
export function parameterTrees(): string {
  const book = schemasFromInterface(join(__dirname, 'operations.ts'), 'OperationParameters');
  return `${JSON.stringify({ operations: book.roots, definitions: book.definitions }, null, 1)}\n`;
}

if (require.main === module) {
  writeFileSync(join(__dirname, 'parameters.generated.json'), parameterTrees());
}
