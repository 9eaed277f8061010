/**
 * What `npm start` and `npm test` do first: install and build, each only when something changed.
 * Plain JavaScript without dependencies, because on a fresh clone there are none yet.
 *
 *   node scripts/ensure-ready.mjs start [--fresh]
 *   node scripts/ensure-ready.mjs test [arguments for Jest]
 *   node scripts/ensure-ready.mjs build | install
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const inRoot = (...path) => join(root, ...path);
const digest = (text) => createHash('sha256').update(text).digest('hex');
const [verb, ...rest] = process.argv.slice(2);

/** A reason to stop that a person can act on; shown without a stack. */
class NotReady extends Error {}

// ── Node ────────────────────────────────────────────────────────────────────────────────────────────────

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new NotReady(`Node ${process.versions.node} is too old: this project needs Node 20.19 or newer.`);
}

// ── Dependencies ────────────────────────────────────────────────────────────────────────────────────────

const MANIFESTS = ['package.json', 'package-lock.json', 'web/package.json'];

async function install() {
  const wanted = digest(MANIFESTS.map((file) => readIfThere(inRoot(file))).join('\0'));
  const stamp = inRoot('node_modules', '.tenant-billing-ready');
  if (readIfThere(stamp) === wanted) return;
  if (!isInstalled()) {
    say('Installing dependencies (only when they changed) …');
    await installPackages();
  }
  writeFileSync(stamp, wanted);
}

/**
 * A clone gets exactly what the lock file says. `npm ci` refuses a lock file without the packages of other
 * platforms, which a registry that carries only some platforms cannot help; `npm install` keeps to the locked
 * versions too, and without saving it leaves the lock file alone.
 */
async function installPackages() {
  const options = ['--no-audit', '--no-fund', '--loglevel=error', '--include=dev'];
  const complaint = 'npm could not install the dependencies';
  if (!existsSync(inRoot('node_modules'))) {
    const refused = await run(npm(['ci', ...options]), complaint).then(
      () => false,
      (error) => /EUSAGE/.test(error.message) || Promise.reject(error),
    );
    if (!refused) return;
  }
  await run(npm(['install', '--no-save', ...options]), complaint);
}

/** Whether npm's own record of node_modules agrees with the lock file (somebody ran npm by hand). */
function isInstalled() {
  const record = readIfThere(inRoot('node_modules', '.package-lock.json'));
  if (record === '') return false;
  const installed = JSON.parse(record).packages;
  const locked = JSON.parse(readIfThere(inRoot('package-lock.json')) || '{"packages":{}}').packages;
  return Object.entries(locked).every(
    ([path, entry]) =>
      !path.startsWith('node_modules/') ||
      entry.link ||
      entry.optional ||
      entry.devOptional ||
      installed[path]?.version === entry.version,
  );
}

// ── Build ───────────────────────────────────────────────────────────────────────────────────────────────

const SERVER = {
  name: 'server',
  sources: [
    'src',
    'migrations',
    'sandbox',
    'bench',
    'ormconfig.ts',
    'tsconfig.json',
    'tsconfig.build.json',
    'nest-cli.json',
  ],
  output: 'dist/src/main.js',
  stamp: 'dist/.stamp',
  command: () => [process.execPath, inRoot('node_modules', '@nestjs', 'cli', 'bin', 'nest.js'), 'build'],
  after: removeOutputsWithoutSource,
};
const WEB = {
  name: 'web',
  sources: ['web'],
  output: 'web/dist/index.html',
  stamp: 'web/dist/.stamp',
  command: () => npm(['run', 'build', '--workspace', 'web', '--loglevel=error']),
  after: () => undefined,
};

async function build() {
  // Both come to their end before the lock is given back, also when one fails.
  const results = await Promise.allSettled([buildWhenStale(SERVER), buildWhenStale(WEB)]);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

async function buildWhenStale(part) {
  // The packages are a source too: a new version may bring other types or other code into the bundle.
  const wanted = digest(`${fingerprint(part.sources)}\n${digest(readIfThere(inRoot('package-lock.json')))}`);
  const stamp = inRoot(part.stamp);
  if (existsSync(inRoot(part.output)) && readIfThere(stamp) === wanted) return;
  say(`Building the ${part.name} (only when it changed) …`);
  rmSync(stamp, { force: true });
  await run(part.command(), `The ${part.name} does not build`);
  part.after();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

/** Path, size and time of every source file: cheap enough to ask at each start. */
function fingerprint(sources) {
  const lines = [];
  const walk = (path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) return;
    if (!stat.isDirectory()) {
      lines.push(`${relative(root, path)} ${stat.size} ${stat.mtimeMs}`);
      return;
    }
    for (const name of readdirSync(path)) {
      if (name !== 'node_modules' && name !== 'dist') walk(join(path, name));
    }
  };
  for (const source of sources) walk(inRoot(source));
  return digest(lines.sort().join('\n'));
}

/** The compiler never deletes: the output of a removed migration would go on being run. */
function removeOutputsWithoutSource() {
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (/\.js(\.map)?$/.test(entry.name)) {
        const source = inRoot(relative(inRoot('dist'), path).replace(/\.js(\.map)?$/, '.ts'));
        if (!existsSync(source)) rmSync(path);
      }
    }
  };
  for (const folder of ['src', 'migrations', 'sandbox', 'bench']) {
    if (existsSync(inRoot('dist', folder))) walk(inRoot('dist', folder));
  }
}

// ── One at a time ───────────────────────────────────────────────────────────────────────────────────────

/** `npm start` and `npm test` side by side in one clone must not install or build into each other. */
async function oneAtATime(work) {
  const lock = join(tmpdir(), `tenant-billing-${digest(root).slice(0, 16)}.lock`);
  for (let told = false; ; told = true) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (!isAlive(Number(readIfThere(lock)))) rmSync(lock, { force: true });
      else {
        if (!told) say('Another command is installing or building here: waiting for it …');
        await new Promise((done) => setTimeout(done, 200));
      }
    }
  }
  try {
    await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function isAlive(pid) {
  // An empty file: its writer is between making and filling it.
  if (!pid) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

// ── The two commands ────────────────────────────────────────────────────────────────────────────────────

/** The launcher runs in this very process: signals and exit codes need no forwarding. */
function start() {
  createRequire(import.meta.url)(inRoot('dist', 'sandbox', 'start.js'));
}

/** Runs Jest and prints the closing line when everything, teardown too, is over. */
async function test() {
  const jest = spawn(process.execPath, [inRoot('node_modules', 'jest', 'bin', 'jest.js'), ...rest], {
    cwd: root,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'test' },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => jest.kill(signal));
  let counts = null;
  jest.on('message', (message) => (counts = message?.testCounts ?? counts));
  const code = await new Promise((done) => jest.on('close', (status) => done(status ?? 1)));
  printClosingLine(counts ?? { passed: 0, failed: 1, skipped: 0 });
  process.exitCode = code;
}

function printClosingLine(counts) {
  const { closingLine } = createRequire(import.meta.url)(inRoot('test', 'support', 'reporter.cjs'));
  process.stdout.write(`\n${closingLine(counts)}\n`);
}

// ── Small things ────────────────────────────────────────────────────────────────────────────────────────

function npm(args) {
  const own = process.env.npm_execpath;
  return own?.endsWith('.js') ? [process.execPath, own, ...args] : ['npm', ...args];
}

function run([program, ...args], complaint) {
  return new Promise((done, fail) => {
    let output = '';
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => fail(new NotReady(`${complaint}: ${error.message}`)));
    child.on('close', (code) => {
      if (code === 0) done();
      else fail(new NotReady(`${complaint}:\n${output.trim()}`));
    });
  });
}

function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

try {
  if (!['start', 'test', 'build', 'install'].includes(verb))
    throw new NotReady('Say start, test, build or install.');
  checkNode();
  await oneAtATime(async () => {
    await install();
    if (verb !== 'install') await build();
  });
  if (verb === 'start') start();
  if (verb === 'test') await test();
} catch (error) {
  if (!(error instanceof NotReady)) throw error;
  say(error.message);
  if (verb === 'test' && existsSync(inRoot('test'))) printClosingLine({ passed: 0, failed: 1, skipped: 0 });
  process.exitCode = 1;
}
