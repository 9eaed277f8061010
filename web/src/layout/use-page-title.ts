import { useEffect, useRef, type RefObject } from 'react';
import { useLocation, useNavigationType } from 'react-router';

/** Addresses already opened in this tab: the very first page must not steal focus from the browser. */
let firstPage = true;

/**
 * Sets the document's title, and after a change of page moves focus to the heading it returns a ref for, so that
 * a screen reader says where the reader is now.
 */
export function usePageTitle(title: string): RefObject<HTMLHeadingElement | null> {
  const heading = useRef<HTMLHeadingElement>(null);
  const { pathname } = useLocation();
  const navigation = useNavigationType();

  useEffect(() => {
    document.title = `${title} · Tenant Billing`;
  }, [title]);

  useEffect(() => {
    if (!firstPage && navigation !== 'POP') heading.current?.focus({ preventScroll: true });
    firstPage = false;
  }, [pathname, navigation]);

  return heading;
}
