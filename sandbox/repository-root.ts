/** Where the repository is: the sandbox runs from its sources (tests) and from dist/ (npm start). */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The nearest folder above this file that holds package-lock.json. */
export const repositoryRoot = findRoot(__dirname);

/** A file of an installed package, also of one that cannot be resolved from CommonJS. */
export function installedFile(...path: string[]): string {
  return join(repositoryRoot, 'node_modules', ...path);
}

function findRoot(from: string): string {
  if (existsSync(join(from, 'package-lock.json'))) return from;
  const parent = dirname(from);
  if (parent === from)
    throw new Error(`No package-lock.json above ${__dirname}: run this inside the project.`);
  return findRoot(parent);
}
