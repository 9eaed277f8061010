import { Journal, type JournalEntry } from './journal';
import type { TableName, Tables } from './tables';

type Row<T extends TableName> = Tables[T];
type AnyRow = { id: string };

/** All rows of the sandbox in memory, in the order of their creation, with an optional journal behind them. */
export class Store {
  private readonly tables = new Map<TableName, Map<string, AnyRow>>();
  /** Former values of the rows touched by the open transaction; null when none is open. */
  private undo: Map<string, { table: TableName; id: string; before: AnyRow | undefined }> | null = null;

  constructor(private readonly journal: Journal | null) {
    if (!journal) return;
    const { entries, cut } = journal.read();
    let written = 0;
    for (const entry of entries) {
      for (const [table, rowOrId, removed] of entry) {
        written++;
        if (removed === null) this.table(table as TableName).delete(rowOrId as string);
        else this.table(table as TableName).set((rowOrId as AnyRow).id, rowOrId as AnyRow);
      }
    }
    const alive = [...this.tables.values()].reduce((sum, rows) => sum + rows.size, 0);
    // Rewriting costs as much as reading: only when half of the history is past, or a half line must go.
    if (cut || written > 2 * alive) journal.compact(this.snapshot());
  }

  /** One row, or undefined. */
  find<T extends TableName>(table: T, id: string): Row<T> | undefined {
    return this.table(table).get(id) as Row<T> | undefined;
  }

  /** All rows of a table, oldest first. */
  all<T extends TableName>(table: T): Row<T>[] {
    return [...this.table(table).values()] as Row<T>[];
  }

  /** All rows of a table, oldest first, without copying. */
  rows<T extends TableName>(table: T): IterableIterator<Row<T>> {
    return this.table(table).values() as IterableIterator<Row<T>>;
  }

  /** Adds a row or replaces the one with its id (which keeps its place in the order). */
  put<T extends TableName>(table: T, row: Row<T>): Row<T> {
    this.remember(table, row.id);
    this.table(table).set(row.id, row);
    return row;
  }

  remove(table: TableName, id: string): void {
    this.remember(table, id);
    this.table(table).delete(id);
  }

  /**
   * Runs `work` so that all its rows are kept, or none: an error puts every touched row back.
   * `work` is synchronous, which makes each operation alone in the process, as if under one lock.
   */
  transaction<R>(work: () => R): R {
    if (this.undo) return work();
    this.undo = new Map();
    try {
      const result = work();
      this.write();
      return result;
    } catch (error) {
      this.rollBack();
      throw error;
    } finally {
      this.undo = null;
    }
  }

  /**
   * Runs `work` and takes back all it did, also inside a transaction: what a preview does to find out what would be.
   */
  rehearse<R>(work: () => R): R {
    const outer = this.undo;
    this.undo = new Map();
    try {
      return work();
    } finally {
      this.rollBack();
      this.undo = outer;
    }
  }

  /** Whether what is done now may still be taken back. */
  get isOpen(): boolean {
    return this.undo !== null;
  }

  /** Forgets everything. */
  clear(): void {
    this.tables.clear();
    this.journal?.compact([]);
  }

  close(): void {
    this.journal?.close();
  }

  private table(name: TableName): Map<string, AnyRow> {
    let table = this.tables.get(name);
    if (!table) this.tables.set(name, (table = new Map()));
    return table;
  }

  private remember(table: TableName, id: string): void {
    if (!this.undo) throw new Error('Rows change only inside a transaction.');
    const key = `${table}\n${id}`;
    if (!this.undo.has(key)) this.undo.set(key, { table, id, before: this.table(table).get(id) });
  }

  private write(): void {
    if (!this.journal || !this.undo || this.undo.size === 0) return;
    const entry: JournalEntry = [];
    for (const { table, id } of this.undo.values()) {
      const row = this.table(table).get(id);
      entry.push(row ? [table, row] : [table, id, null]);
    }
    this.journal.append(entry);
  }

  private rollBack(): void {
    for (const { table, id, before } of [...(this.undo?.values() ?? [])].reverse()) {
      if (before) this.table(table).set(id, before);
      else this.table(table).delete(id);
    }
  }

  private *snapshot(): Iterable<JournalEntry> {
    for (const [table, rows] of this.tables) {
      for (const row of rows.values()) yield [[table, row]];
    }
  }
}
