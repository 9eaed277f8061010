// Lets plain Node load TypeScript: `node --require ./test/faults/typescript.cjs file.ts`. Compiled as Jest compiles,
// so that a scenario is the same code in `npm test` and in `npm run test:faults`.
const { readFileSync } = require('node:fs');
const { transformSync } = require('@swc/core');
const { transform } = require('../../jest.config.cjs');

const [, options] = Object.values(transform)[0];

require.extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), { ...options, filename });
  module._compile(code, filename);
};
