import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { processMark } from '../../sandbox/processes';

jest.setTimeout(90_000);

const root = join(__dirname, '..', '..');

interface Ready {
  api: string;
  web: string;
  admin_key: string;
  service_key: string;
  tenants: { id: string; name: string; plan: string | null; key: string }[];
  stripe: { url: string };
  mailbox: string;
  pids: Record<string, number | null>;
}

/** One `npm start`, without npm. */
class Launcher {
  readonly child: ChildProcess;
  output = '';
  private readonly exit: Promise<number | null>;

  constructor(private readonly dir: string) {
    const environment: NodeJS.ProcessEnv = { ...process.env, SANDBOX_DIR: dir, PORT: '0' };
    // What the test run is told must not reach the service: it is to meet what a person's shell has.
    for (const name of Object.keys(environment))
      if (/^(NODE_ENV|JEST_|TEST_)/.test(name)) delete environment[name];
    this.child = spawn(process.execPath, ['dist/sandbox/start.js'], { cwd: root, env: environment });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk) => (this.output += String(chunk)));
    this.exit = new Promise((done) => this.child.once('exit', (code) => done(code)));
  }

  async ready(): Promise<Ready> {
    const file = join(this.dir, 'ready.json');
    for (let waited = 0; waited < 60_000; waited += 50) {
      if (existsSync(file)) {
        const ready = JSON.parse(readFileSync(file, 'utf8')) as Ready;
        if (ready.pids.launcher === this.child.pid) return ready;
      }
      if (this.child.exitCode !== null) break;
      await pause(50);
    }
    throw new Error(`The sandbox did not become ready:\n${this.output}`);
  }

  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
    this.child.kill(signal);
    return this.exit;
  }

  ended(): Promise<number | null> {
    return this.exit;
  }
}

function stillRunning(ready: Ready): string[] {
  return Object.entries(ready.pids).flatMap(([name, pid]) =>
    pid && processMark(pid) !== null ? [name] : [],
  );
}

/** What the tests look at in an answer. */
interface Answer {
  status: number;
  body: { data: { slug: string }[] };
}

async function ask(url: string, key?: string): Promise<Answer> {
  const answer = await fetch(url, { headers: key ? { authorization: `Bearer ${key}` } : {} });
  return { status: answer.status, body: (await answer.json()) as Answer['body'] };
}

describe('npm start', () => {
  let dir: string;
  let first: Launcher;
  let ready: Ready;

  beforeAll(async () => {
    for (const file of ['dist/sandbox/start.js', 'dist/src/main.js'])
      if (!existsSync(join(root, file))) throw new Error(`${file} is missing: run this through npm test.`);
    dir = mkdtempSync(join(tmpdir(), 'tb-start-'));
    first = new Launcher(dir);
    ready = await first.ready();
  });

  afterAll(async () => {
    if (first.child.exitCode === null) await first.stop('SIGTERM');
    rmSync(dir, { recursive: true, force: true });
  });

  it('brings up the service with everything it needs, and tells where', async () => {
    expect((await ask(`${ready.api}/healthz`)).status).toBe(200);
    expect((await ask(`${ready.api}/readyz`)).status).toBe(200);
    expect((await fetch(`${ready.mailbox}/api/messages`)).status).toBe(200);
    expect((await fetch(`${ready.stripe.url}/_sandbox/health`)).status).toBe(200);
    for (const word of [ready.web, ready.admin_key, ready.service_key, `${ready.web}/pricing#key=`])
      expect(first.output).toContain(word);
  });

  it('has the demo company: a price list, two customers, and keys that open', async () => {
    const { body: list } = await ask(`${ready.api}/v1/plans`);
    const slugs = list.data.map((plan) => plan.slug);
    expect(slugs.sort()).toEqual([
      'free',
      'pro',
      'pro-yearly',
      'scale',
      'scale-yearly',
      'starter',
      'starter-yearly',
    ]);
    expect(ready.tenants.map(({ name }) => name)).toEqual(['Acme Rockets', 'Blue Bicycle Co.']);
    // Both are in their trial, which gives what the plan of TRIAL_PLAN_SLUG gives.
    expect(ready.tenants.map(({ plan }) => plan)).toEqual(['starter', 'starter']);
    const [acme, blue] = ready.tenants;
    const plansOf = async (key?: string): Promise<string[]> => {
      const { body } = await ask(`${ready.api}/v1/plans`, key);
      return body.data.map((plan) => plan.slug);
    };
    expect(await plansOf(acme?.key)).toContain('acme-enterprise');
    expect(await plansOf(blue?.key)).not.toContain('acme-enterprise');
    expect((await ask(`${ready.api}/v1/admin/tenants`, ready.admin_key)).body.data).toHaveLength(2);
  });

  it('refuses a second start in the same folder and says where the first one is', async () => {
    const second = new Launcher(dir);
    expect(await second.ended()).toBe(1);
    expect(second.output).toContain('already running');
    expect(second.output).toContain(ready.web);
    expect((await ask(`${ready.api}/healthz`)).status).toBe(200);
  });

  it('ends on Ctrl-C with nothing left running, and comes back with the same keys and data', async () => {
    expect(await first.stop()).toBe(0);
    expect(stillRunning(ready)).toEqual([]);
    expect(existsSync(join(dir, 'ready.json'))).toBe(false);
    const before = ready;
    first = new Launcher(dir);
    ready = await first.ready();
    expect(ready).toMatchObject({
      admin_key: before.admin_key,
      service_key: before.service_key,
      tenants: before.tenants,
    });
    expect((await ask(`${ready.api}/v1/admin/tenants`, ready.admin_key)).body.data).toHaveLength(2);
  });

  it('heals after kill -9, and ends with a failure when the service dies', async () => {
    const killed = ready;
    await first.stop('SIGKILL');
    first = new Launcher(dir);
    ready = await first.ready();
    expect(stillRunning(killed)).toEqual([]);
    expect(ready.tenants).toEqual(killed.tenants);
    process.kill(Number(ready.pids.service), 'SIGKILL');
    expect(await first.ended()).toBe(1);
    expect(first.output).toContain('The service was ended by SIGKILL.');
    expect(stillRunning(ready)).toEqual([]);
  });
});
