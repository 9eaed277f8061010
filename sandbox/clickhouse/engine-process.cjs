/**
 * The ClickHouse engine in a process of its own: it is 500 MB of native code, and a crash in it must not take
 * the sandbox along. Plain JavaScript, because it runs as a file both from the sources and from a build.
 *
 *   node engine-process.cjs <folder of the chdb package> <data folder>
 *
 * Parent → { id, setup: string[], sql, format, cleanup: string[] } → { id, body, rowsRead, elapsed } or { id, error }
 */
const { join } = require('node:path');

const [packageFolder, dataFolder] = process.argv.slice(2);
const { Session } = require(join(packageFolder, 'node_modules', 'chdb'));
const session = new Session(dataFolder);

/** Settings and parameters live in the one session: queries wait for each other so that none sees another's. */
let queue = Promise.resolve();

async function answer({ id, setup, sql, format, cleanup }) {
  try {
    for (const statement of setup) await session.queryAsync(statement);
    const result = await session.queryAsync(sql, { format });
    // A copy: the engine owns the memory behind bytes().
    const body = Buffer.from(result.bytes());
    process.send({ id, body, rowsRead: result.rowsRead, elapsed: result.elapsed });
  } catch (error) {
    process.send({ id, error: { code: error.clickhouseCode ?? 1002, message: String(error.message) } });
  } finally {
    for (const statement of cleanup) await session.queryAsync(statement).catch(() => undefined);
  }
}

process.on('message', (request) => {
  queue = queue.then(() => answer(request));
});

// The launcher ended, politely or not: finish what was accepted and go.
process.on('disconnect', () => {
  queue = queue.then(() => {
    session.close();
    process.exit(0);
  });
});

process.send({ ready: true });
