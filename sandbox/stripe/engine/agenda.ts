import type { Account } from '../account';
import type { AgendaEntry, TableName } from '../tables';
import { before, nextDue, TIMED, type What } from './due';

/**
 * What is due and when: one entry per object, kept with the object in the same transaction, so that a rolled back
 * operation leaves no appointment behind.
 */
export class Agenda {
  /** Nothing is due before this moment (Unix seconds): spares most looks through the entries. */
  private earliest = -Infinity;

  constructor(private readonly account: Account) {
    account.planBy((table, row) => this.plan(table, row));
  }

  /** Works out anew what is next for an object. */
  plan(table: TableName, row: { id: string }): void {
    if (!TIMED.has(table)) return;
    const { store } = this.account;
    const id = `${table}:${row.id}`;
    const due = nextDue(this.account, table, row);
    const known = store.find('agenda', id);
    if (!due) {
      if (known) store.remove('agenda', id);
      return;
    }
    if (known && known.at === due.at && known.what === due.what) return;
    const clock = 'test_clock' in row ? (row.test_clock as string | null) : null;
    this.earliest = Math.min(this.earliest, due.at);
    store.put('agenda', { id, at: due.at, what: due.what, table, object: row.id, clock });
  }

  /** Plans every object: for accounts of a journal older than the agenda. */
  planAll(): void {
    for (const table of TIMED) for (const row of this.account.store.all(table)) this.plan(table, row);
  }

  /** The first entry of a clock (null: the sandbox's own), or null. */
  first(clock: string | null): AgendaEntry | null {
    let first: AgendaEntry | null = null;
    let earliest = Infinity;
    for (const entry of this.account.store.rows('agenda')) {
      earliest = Math.min(earliest, entry.at);
      if (entry.clock === clock && (!first || !isBefore(first, entry))) first = entry;
    }
    // An open transaction may be taken back, and with it the removal of an earlier entry.
    this.earliest = this.account.store.isOpen ? Math.min(this.earliest, earliest) : earliest;
    return first;
  }

  /** The first entry of a clock that is due by a moment, or null. */
  firstBy(target: number, clock: string | null): AgendaEntry | null {
    if (target < this.earliest) return null;
    const first = this.first(clock);
    return first && first.at <= target ? first : null;
  }
}

function isBefore(a: AgendaEntry, b: AgendaEntry): boolean {
  return before({ at: a.at, what: a.what as What }, { at: b.at, what: b.what as What });
}
