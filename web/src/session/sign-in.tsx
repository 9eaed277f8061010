import { createContext, useCallback, useContext, useEffect, useRef, useState, type ReactNode } from 'react';
import { SignInDialog } from './sign-in-dialog';
import { signIn } from './session';
import { useSession } from './use-session';

/** Asks the reader for a key; `then` goes on with what needed it, once there is one. */
type AskForKey = (then?: (key: string) => void) => void;

const SignInContext = createContext<AskForKey | null>(null);

/** Offers the sign-in dialog to every page, and opens it when the service refuses the key in use. */
export function SignInProvider({ children }: { children: ReactNode }) {
  const session = useSession();
  const [opened, setOpened] = useState(false);
  const goOn = useRef<((key: string) => void) | undefined>(undefined);

  const ask = useCallback<AskForKey>((then) => {
    goOn.current = then;
    setOpened(true);
  }, []);

  useEffect(() => {
    // What the reader wanted when the key was refused stays in `goOn`.
    if (session.ended === 'refused') setOpened(true);
  }, [session]);

  const accept = (key: string): void => {
    signIn(key);
    setOpened(false);
    goOn.current?.(key);
    goOn.current = undefined;
  };

  const close = (): void => {
    setOpened(false);
    goOn.current = undefined;
  };

  return (
    <SignInContext.Provider value={ask}>
      {children}
      <SignInDialog
        opened={opened}
        notice={session.ended === 'refused' ? 'Your key is no longer valid. Please sign in again.' : null}
        onAccept={accept}
        onClose={close}
      />
    </SignInContext.Provider>
  );
}

/** The way to ask for a key from any page. */
export function useSignIn(): AskForKey {
  const ask = useContext(SignInContext);
  if (!ask) throw new Error('useSignIn needs a SignInProvider above it');
  return ask;
}
