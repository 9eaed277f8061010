import { useEffect, useSyncExternalStore } from 'react';
import { ApiProblem } from '../api/api';
import { currentSession, dropRefusedKey, onSessionChange, type Session } from './session';

/** The reader's session; the component is drawn again when it changes. */
export function useSession(): Session {
  return useSyncExternalStore(onSessionChange, currentSession);
}

/** Ends the session when an answer shows that its key is no longer valid (401). */
export function useRefusedKey(session: Session, ...errors: unknown[]): void {
  const refused = errors.some((error) => error instanceof ApiProblem && error.status === 401);
  useEffect(() => {
    if (refused && session.key !== null) dropRefusedKey(session.key);
  }, [refused, session.key]);
}
