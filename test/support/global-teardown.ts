/** After the last test file, also when tests failed: nothing is left behind. */
import './global-setup';

export default async function globalTeardown(): Promise<void> {
  const servers = globalThis.testServers;
  globalThis.testServers = undefined;
  await servers?.stop();
}
