import 'react';

declare module 'react' {
  /** Custom properties in `style`, as CSS allows them. */
  interface CSSProperties {
    [variable: `--${string}`]: string | number | undefined;
  }
}
