/** Before the first test file: one Postgres and one Redis for the whole run. */
import { startTestServers, type TestServers } from './servers';

declare global {
  // Jest calls setup and teardown in one process and gives them no other way to talk.
  var testServers: TestServers | undefined;
}

const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export default async function globalSetup(): Promise<void> {
  const starting = startTestServers();
  // Jest has no teardown for Ctrl-C: without this the servers would outlive the run.
  for (const [signal, code] of Object.entries(SIGNAL_EXIT)) {
    process.once(signal, () => {
      const leave = (servers?: TestServers) => {
        servers?.stopAtOnce();
        process.exit(code);
      };
      void starting.then(leave, () => leave());
    });
  }
  const servers = await starting;
  globalThis.testServers = servers;
  process.once('exit', () => {
    if (globalThis.testServers) servers.stopAtOnce();
  });
}
