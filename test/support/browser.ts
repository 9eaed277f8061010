import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

/** A real Chromium for the browser tests: found or unpacked, started quietly, its console and requests watched. */

const ROOT = resolve(__dirname, '..', '..');
const SCREENSHOTS = join(ROOT, 'test', '.artifacts', 'screenshots');
const INSTALLED_NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** Quiet and offline: without these flags Chromium calls home at every start, which closed networks refuse. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--font-render-hinting=none',
];

/** Starts Chromium with a new, empty profile, which is deleted when the browser is closed. */
export async function launchBrowser(): Promise<Browser> {
  const found = findInstalled();
  const { executablePath, env } = found ? { executablePath: found, env: {} } : unpackFromPackage();
  const launch = (): Promise<Browser> =>
    chromium.launch({ executablePath, args: FLAGS, env: { ...definedEnvironment(), ...env } });
  // On a busy machine Chromium's zygote now and then dies before it has said a word.
  return launch().catch(launch).catch(launch);
}

/** A page and what went wrong on it. */
export interface WatchedPage {
  page: Page;
  /** `console.error` and uncaught exceptions, in order. */
  consoleErrors: string[];
  /** Requests that got no answer or one of 400 and above, as `METHOD url → status or reason`. */
  failedRequests: string[];
  /** Closes the page and its profile of cookies and storage. */
  close(): Promise<void>;
}

/** Opens a page in a context of its own (no storage shared with other pages) and watches it. */
export async function newPage(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    locale: 'en-US',
    ...options,
  });
  const page = await context.newPage();
  const consoleErrors: string[] = [];
  const failedRequests: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') consoleErrors.push(message.text());
  });
  page.on('pageerror', (error) => consoleErrors.push(String(error)));
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText ?? 'failed';
    // A page that is left aborts what it was still asking for: that is no failure.
    if (reason !== 'net::ERR_ABORTED')
      failedRequests.push(`${request.method()} ${request.url()} → ${reason}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) {
      failedRequests.push(`${response.request().method()} ${response.url()} → ${response.status()}`);
    }
  });
  return { page, consoleErrors, failedRequests, close: () => context.close() };
}

/** One finding of axe-core. */
export interface AxeViolation {
  id: string;
  impact: 'serious' | 'critical';
  help: string;
  targets: string[];
}

interface AxeResults {
  violations: { id: string; impact: string | null; help: string; nodes: { target: unknown[] }[] }[];
}

/** Runs axe-core on the page as it is now; returns the serious and critical violations. */
export async function axe(page: Page): Promise<AxeViolation[]> {
  // Evaluated by the debugger, not added as a script tag: the pages' content security policy stays as strict as it is.
  await page.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
  const { violations } = (await page.evaluate(
    'axe.run(document, { resultTypes: ["violations"] })',
  )) as AxeResults;
  return violations.flatMap(({ id, impact, help, nodes }) =>
    impact === 'serious' || impact === 'critical'
      ? [{ id, impact, help, targets: nodes.map(({ target }) => target.join(' ')) }]
      : [],
  );
}

/** Keeps a picture of the whole page as `test/.artifacts/screenshots/<name>.png`; returns its path. */
export async function screenshot(page: Page, name: string): Promise<string> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  const path = join(SCREENSHOTS, `${name}.png`);
  await page.screenshot({ path, fullPage: true, animations: 'disabled' });
  return path;
}

function findInstalled(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = INSTALLED_NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return candidates.find((candidate) => existsSync(candidate)) ?? null;
}

interface Unpacked {
  executablePath: string;
  env: Record<string, string>;
}

/**
 * Unpacks Chromium of `@sparticuz/chromium` once per version into node_modules/.cache. The package itself would
 * unpack into the shared temp folder, where two test workers meet half-written files; here a folder is filled
 * apart and then renamed, so it is whole or absent.
 */
function unpackFromPackage(): Unpacked {
  const packageRoot = join(dirname(require.resolve('@sparticuz/chromium')), '..', '..');
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  const cache = join(ROOT, 'node_modules', '.cache', 'browser');
  const folder = join(cache, `chromium-${version}`);
  if (!existsSync(folder)) unpackInto(cache, folder);

  const executablePath = join(folder, 'chromium');
  const env: Record<string, string> = {};
  // Bare containers have neither fonts nor the libraries Chromium links to: the package carries both.
  if (!existsSync('/etc/fonts/fonts.conf')) env.FONTCONFIG_PATH = join(folder, 'fonts');
  if (lacksLibraries(executablePath)) env.LD_LIBRARY_PATH = join(folder, 'al2023', 'lib');
  return { executablePath, env };
}

function unpackInto(cache: string, folder: string): void {
  mkdirSync(cache, { recursive: true });
  const staging = mkdtempSync(join(cache, 'unpacking-'));
  // The package takes the temp folder as its target, and this variable as the sign to add the libraries.
  const env = { ...process.env, TMPDIR: staging, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' };
  const script = "require('@sparticuz/chromium').executablePath().then(() => process.exit(0))";
  try {
    execFileSync(process.execPath, ['-e', script], { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'pipe'] });
    renameSync(staging, folder);
  } catch (error) {
    rmSync(staging, { recursive: true, force: true });
    // Another worker was first: its folder is as good.
    if (!existsSync(folder)) throw error;
  }
}

function lacksLibraries(executable: string): boolean {
  try {
    return execFileSync('ldd', [executable], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).includes('not found');
  } catch {
    return true;
  }
}

function definedEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return Object.fromEntries(entries);
}
