import { NO_REQUEST, type Account } from '../account';
import type { AgendaEntry, TableName } from '../tables';
import { Agenda } from './agenda';
import { carryOut } from './carry-out';
import type { What } from './due';

/** One thing that time did. `at` in Unix seconds. */
export interface Fired {
  at: number;
  what: string;
  object: string;
}

/** Carries out what is due, one thing after another, each in its own transaction with the clock at its moment. */
export class TimeEngine {
  private static readonly engines = new WeakMap<Account, TimeEngine>();
  private readonly agenda: Agenda;

  constructor(private readonly account: Account) {
    TimeEngine.engines.set(account, this);
    this.agenda = new Agenda(account);
    account.transaction(NO_REQUEST, () => this.agenda.planAll());
  }

  /** The engine of an account: test clocks are advanced by a request, which knows only its account. */
  static of(account: Account): TimeEngine {
    const engine = TimeEngine.engines.get(account);
    if (!engine) throw new Error('The account has no time engine.');
    return engine;
  }

  /** When something is due next on a clock (null: the sandbox's own); Unix seconds. */
  nextDue(clock: string | null = null): AgendaEntry | null {
    return this.agenda.first(clock);
  }

  /** Does everything that is due up to this moment (Unix seconds), in order of time. */
  runTo(target: number, clock: string | null = null): Fired[] {
    const fired: Fired[] = [];
    for (;;) {
      const due = this.agenda.firstBy(target, clock);
      if (!due) return fired;
      this.fire(due);
      fired.push({ at: due.at, what: due.what, object: due.object });
    }
  }

  private fire(due: AgendaEntry): void {
    const { account } = this;
    const within = account.store.isOpen;
    try {
      account.transaction(NO_REQUEST, () =>
        account.clock.at(due.at, () => {
          carryOut(account, due.what as What, due.object);
          const row = account.store.find(due.table as TableName, due.object);
          if (row) this.agenda.plan(due.table as TableName, row);
          const left = account.store.find('agenda', due.id);
          if (left && left.at === due.at && left.what === due.what)
            throw new Error(`${due.what} of ${due.object} is still due after it was done.`);
        }),
      );
    } catch (error) {
      // Part of a request (a test clock's advance): the request fails as a whole.
      if (within) throw error;
      // A mistake of the sandbox: said aloud, and out of the way, or time would never pass it.
      process.stderr.write(`stripe sandbox: ${error instanceof Error ? error.stack : String(error)}\n`);
      account.transaction(NO_REQUEST, () => account.store.remove('agenda', due.id));
    }
  }
}
