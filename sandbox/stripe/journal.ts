import { closeSync, mkdirSync, openSync, readFileSync, renameSync, fsyncSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** One committed operation: the rows it put (`[table, row]`) or removed (`[table, id, null]`). */
export type JournalEntry = ([string, { id: string }] | [string, string, null])[];

const CHUNK = 1024 * 1024;

/**
 * The sandbox's memory on disk: one line per committed operation, appended before it is answered.
 *
 * A written line survives `kill -9` of the process (the kernel has it); a power cut may cost the last moments,
 * which a sandbox can afford and an fsync per request can not.
 */
export class Journal {
  private descriptor: number;
  private readonly path: string;

  private constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.path = join(directory, 'stripe-journal.ndjson');
    this.descriptor = openSync(this.path, 'a');
  }

  static open(directory: string): Journal {
    return new Journal(directory);
  }

  /**
   * All complete entries. A last line cut short by a kill was never answered: it is dropped, and `cut` says so,
   * because the next append would continue it.
   */
  read(): { entries: JournalEntry[]; cut: boolean } {
    const entries: JournalEntry[] = [];
    const text = readFileSync(this.path, 'utf8');
    for (const line of text.split('\n')) {
      if (line === '') continue;
      try {
        entries.push(JSON.parse(line) as JournalEntry);
      } catch {
        return { entries, cut: true };
      }
    }
    return { entries, cut: text !== '' && !text.endsWith('\n') };
  }

  append(entry: JournalEntry): void {
    writeAll(this.descriptor, `${JSON.stringify(entry)}\n`);
  }

  /** Replaces the history by the present state, so that the next start reads only what is alive. */
  compact(entries: Iterable<JournalEntry>): void {
    const next = `${this.path}.next`;
    const descriptor = openSync(next, 'w');
    let lines = '';
    for (const entry of entries) {
      lines += `${JSON.stringify(entry)}\n`;
      if (lines.length < CHUNK) continue;
      writeAll(descriptor, lines);
      lines = '';
    }
    writeAll(descriptor, lines);
    fsyncSync(descriptor);
    closeSync(descriptor);
    closeSync(this.descriptor);
    renameSync(next, this.path);
    this.descriptor = openSync(this.path, 'a');
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

function writeAll(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) written += writeSync(descriptor, bytes, written);
}
