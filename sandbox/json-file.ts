/** Small JSON files of the sandbox: for us alone to read, and never half written. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** What the file holds; null when it is missing or was damaged. */
export function readJson<Content>(file: string): Content | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Content;
  } catch {
    return null;
  }
}

/** Writes the file whole or not at all, readable by its owner only. */
export function writeJson(file: string, content: unknown): void {
  const aside = `${file}.${process.pid}.new`;
  writeFileSync(aside, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(aside, file);
}
