/**
 * Who is reading: the tenant key of this tab, and nothing more. It lives in sessionStorage only, so it ends with
 * the tab, and comes in by the sign-in dialog or by the URL fragment `#key=…`, which never reaches a server.
 */

const STORAGE_NAME = 'tenant-billing.key';

/** The longest key the service issues is far shorter; this refuses pasted pages. */
const LONGEST_KEY = 512;

/** The reader's credential now. `generation` grows with every change, so caches can be told apart without the key. */
export interface Session {
  key: string | null;
  generation: number;
  /** Why the last key is gone: the service refused it, or the reader signed out. */
  ended: 'refused' | 'signed_out' | null;
}

let session: Session = { key: storedKey(), generation: 0, ended: null };
const listeners = new Set<() => void>();

/** The session now; the same object until it changes. */
export function currentSession(): Session {
  return session;
}

/** Calls back after every change; returns the way to stop. */
export function onSessionChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Keeps a key for this tab. */
export function signIn(key: string): void {
  change({ key, ended: null });
}

/** Forgets the key of this tab. */
export function signOut(): void {
  change({ key: null, ended: 'signed_out' });
}

/** Forgets a key that the service refused, unless another has taken its place meanwhile. */
export function dropRefusedKey(key: string): void {
  if (session.key === key) change({ key: null, ended: 'refused' });
}

/**
 * Takes a key out of the URL fragment, and the fragment out of the address bar and the history, so that neither
 * a shared link nor a screenshot carries it. Runs before the first page and when the fragment changes.
 */
export function adoptKeyFromFragment(): void {
  const fragment = new URLSearchParams(window.location.hash.slice(1));
  const key = fragment.get('key');
  if (key === null) return;
  fragment.delete('key');
  const rest = fragment.toString();
  const { pathname, search } = window.location;
  window.history.replaceState(window.history.state, '', `${pathname}${search}${rest ? `#${rest}` : ''}`);
  const tidy = tidyKey(key);
  if (tidy) signIn(tidy);
}

/** A pasted key without the blanks around it, or null when it cannot be a key (it could not even be a header). */
export function tidyKey(pasted: string): string | null {
  const key = pasted.trim();
  return /^[\x21-\x7e]+$/.test(key) && key.length <= LONGEST_KEY ? key : null;
}

function change({ key, ended }: Pick<Session, 'key' | 'ended'>): void {
  session = { key, ended, generation: session.generation + 1 };
  store(key);
  for (const listener of listeners) listener();
}

function storedKey(): string | null {
  try {
    return window.sessionStorage.getItem(STORAGE_NAME);
  } catch {
    return null;
  }
}

function store(key: string | null): void {
  try {
    if (key === null) window.sessionStorage.removeItem(STORAGE_NAME);
    else window.sessionStorage.setItem(STORAGE_NAME, key);
  } catch {
    // Storage is blocked in some private windows: the key then lives as long as this page.
  }
}
