import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

/** The one accent colour: a calm pine green. White on shade 7 and shade 4 on the dark ground keep 4.5:1. */
const pine: MantineColorsTuple = [
  '#e9f8f2',
  '#d2efe3',
  '#a3dfc8',
  '#70cfab',
  '#46c094',
  '#2ba37b',
  '#158a66',
  '#0b7a5e',
  '#08634c',
  '#054a39',
];

/** Dark greys with a breath of the accent, so that light and dark read as one design. */
const dark: MantineColorsTuple = [
  '#d5dbd9',
  '#b3bdba',
  '#94a09c',
  '#66736f',
  '#42504b',
  '#2e3a36',
  '#222c29',
  '#18201e',
  '#121917',
  '#0c1110',
];

/** Type, colours and radii of every page; no font is fetched, the reader's own system font is used. */
export const theme = createTheme({
  primaryColor: 'pine',
  // The same shade on both grounds: white stays readable on it, and buttons look the same by day and by night.
  primaryShade: 7,
  colors: { pine, dark },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily:
    "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Open Sans', 'Helvetica Neue', Arial, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', Menlo, Consolas, monospace",
  headings: {
    fontWeight: '650',
    sizes: {
      h1: { fontSize: 'clamp(1.75rem, 1.2rem + 2.4vw, 2.75rem)', lineHeight: '1.12' },
      h2: { fontSize: 'clamp(1.35rem, 1.1rem + 1vw, 1.75rem)', lineHeight: '1.2' },
      h3: { fontSize: '1.2rem', lineHeight: '1.3' },
    },
  },
});

/** Where Mantine's own quiet, warning and error texts stay under 4.5:1 on their ground, ours take their place. */
export const readableColours: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': 'var(--page-quiet)',
    '--mantine-color-error': '#c02626',
    '--mantine-color-orange-light-color': '#9a3a06',
  },
  dark: { '--mantine-color-dimmed': 'var(--page-quiet)', '--mantine-color-error': '#ff9a9a' },
});
