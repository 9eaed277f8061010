// Runs a sandbox in a process of its own, so that tests can kill it: node run-sandbox.cjs <options as JSON>.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { transformSync } = require('@swc/core');

require.extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), {
    filename,
    jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
    module: { type: 'commonjs' },
  });
  module._compile(code, filename);
};

const { startStripeSandbox } = require(join(__dirname, '../../../sandbox/stripe/server.ts'));
startStripeSandbox(JSON.parse(process.argv[2])).then(({ port }) => process.stdout.write(`${port}\n`));
