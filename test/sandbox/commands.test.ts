import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');
let clone: string;

/** A project of the same shape in which npm and the compiler only write down that they were called. */
beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'tb-commands-'));
  for (const file of ['scripts/ensure-ready.mjs', 'test/support/reporter.cjs'])
    cpSync(join(root, file), join(clone, file), { recursive: true });
  write('package.json', '{}');
  write('package-lock.json', '{"packages":{"node_modules/one":{"version":"1.0.0"}}}');
  write('web/package.json', '{}');
  write('web/src/page.ts', '');
  write('src/main.ts', '');
  write('migrations/one.ts', '');
  write('npm.js', NPM);
});

afterEach(() => rmSync(clone, { recursive: true, force: true }));

const NPM = `
const fs = require('fs'), path = require('path');
const args = process.argv.slice(2);
fs.appendFileSync('calls', 'npm ' + args.filter((a) => !a.startsWith('--')).join(' ') + '\\n');
const put = (file, text) => { fs.mkdirSync(path.dirname(file), { recursive: true }); fs.writeFileSync(file, text); };
if (fs.existsSync('broken')) { console.error('registry is away'); process.exit(1); }
if (args[0] === 'run') put('web/dist/index.html', '');
else {
  put('node_modules/.package-lock.json', fs.readFileSync('package-lock.json', 'utf8'));
  put('node_modules/@nestjs/cli/bin/nest.js', "const fs = require('fs'); fs.appendFileSync('calls', 'nest\\\\n'); for (const f of ['src/main', 'migrations/one']) { fs.mkdirSync('dist/' + f.split('/')[0], { recursive: true }); fs.writeFileSync('dist/' + f + '.js', ''); }");
  put('node_modules/jest/bin/jest.js', "process.send({ testCounts: { passed: 3, failed: 1, skipped: 0 } }); process.exitCode = 7; console.log(process.argv.slice(2).join(' '));");
}
`;

function write(file: string, text: string): void {
  const path = join(clone, file);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
}

function command(...args: string[]): {
  status: number | null;
  stdout: string;
  stderr: string;
  calls: string[];
} {
  rmSync(join(clone, 'calls'), { force: true });
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/ensure-ready.mjs', ...args], {
    cwd: clone,
    encoding: 'utf8',
    env: { ...process.env, npm_execpath: join(clone, 'npm.js') },
  });
  const file = join(clone, 'calls');
  const calls = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').sort() : [];
  return { status, stdout, stderr, calls };
}

describe('what npm start and npm test do first', () => {
  it('installs and builds a fresh clone, and the second time nothing', () => {
    expect(command('build').calls).toEqual(['nest', 'npm ci', 'npm run build web']);
    expect(command('build')).toMatchObject({ status: 0, calls: [], stderr: '' });
  });

  it('builds only the half that changed', () => {
    command('build');
    write('src/main.ts', 'changed');
    expect(command('build').calls).toEqual(['nest']);
    write('web/src/page.ts', 'changed');
    expect(command('build').calls).toEqual(['npm run build web']);
  });

  it('deletes the output of a source that is gone: a removed migration must not run', () => {
    write('migrations/two.ts', '');
    command('build');
    write('dist/migrations/two.js', '');
    rmSync(join(clone, 'migrations/two.ts'));
    expect(command('build').calls).toEqual(['nest']);
    expect(existsSync(join(clone, 'dist/migrations/two.js'))).toBe(false);
    expect(existsSync(join(clone, 'dist/migrations/one.js'))).toBe(true);
  });

  it('installs again when a dependency changed, but not when somebody already ran npm', () => {
    command('build');
    write('package-lock.json', '{"packages":{"node_modules/one":{"version":"2.0.0"}}}');
    expect(command('install').calls).toEqual(['npm install']);
    write('package.json', '{ "name": "other" }');
    expect(command('install').calls).toEqual([]);
  });

  it('hands its arguments to Jest, keeps its exit code and ends with the closing line', () => {
    const { status, stdout } = command('test', 'plans', '--verbose');
    expect(status).toBe(7);
    expect(stdout).toContain('plans --verbose');
    expect(stdout.endsWith('\n3 passed, 1 failed\n')).toBe(true);
  });

  it('says in plain words what stopped it', () => {
    write('broken', '');
    const { status, stdout, stderr } = command('test');
    expect(status).toBe(1);
    expect(stderr).toMatch(/npm could not install the dependencies[^]*registry is away/);
    expect(stderr).not.toContain('    at ');
    expect(stdout).toBe('\n0 passed, 1 failed\n');
  });
});
