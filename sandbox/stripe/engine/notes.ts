import type { Account } from '../account';
import type { Note } from '../tables';

/** Whether a fact about an object is written down for this moment (a reminder for that very period end). */
export function isNoted(account: Account, object: string, fact: string, at: number): boolean {
  return account.store.find('note', `${object}:${fact}`)?.at === at;
}

export function noteOf(account: Account, object: string, fact: string): Note | undefined {
  return account.store.find('note', `${object}:${fact}`);
}

/** Writes a fact down. The object's agenda is worked out anew by whoever changes the object afterwards. */
export function note(
  account: Account,
  object: string,
  fact: string,
  at: number,
  other: string | null = null,
): void {
  account.store.put('note', { id: `${object}:${fact}`, at, object: other });
}

export function forget(account: Account, object: string, fact: string): void {
  if (noteOf(account, object, fact)) account.store.remove('note', `${object}:${fact}`);
}
