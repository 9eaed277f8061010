/** The import rules of ARCHITECTURE.md, enforced: contracts <- domain <- platform <- stripe <- modules <- app. */
const room = (name) => `^src/${name}/`;
const outside = (...rooms) => `^src/(?!(${rooms.join('|')})/)`;
const APP = '^src/((main|app\\.module|service|openapi)\\.ts$|openapi/)';
const LEAVES = 'notifications|webhooks|event-stream|analytics|audit|reports|monitoring|health|documents';

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'A cycle means two files are one thought.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'contracts-import-nothing',
      severity: 'error',
      from: { path: room('contracts') },
      to: { pathNot: room('contracts') },
    },
    {
      name: 'domain-is-pure',
      severity: 'error',
      comment: 'Rules take values and return values; only contracts (and exact decimals) come in.',
      from: { path: room('domain'), pathNot: '\\.spec\\.ts$' },
      to: { pathNot: [room('domain'), room('contracts'), 'node_modules/(@types/)?big\\.js'] },
    },
    {
      name: 'platform-knows-no-feature',
      severity: 'error',
      from: { path: room('platform') },
      to: { path: outside('contracts', 'domain', 'platform') },
    },
    {
      name: 'stripe-room-knows-no-feature',
      severity: 'error',
      from: { path: room('stripe') },
      to: { path: outside('contracts', 'domain', 'platform', 'stripe') },
    },
    {
      name: 'stripe-sdk-only-in-its-room',
      severity: 'error',
      from: { path: '^src/', pathNot: room('stripe') },
      to: { path: 'node_modules/stripe/' },
    },
    {
      name: 'typeorm-only-in-the-data-layer',
      severity: 'error',
      from: { path: '^src/', pathNot: ['\\.entity\\.ts$', '\\.repository\\.ts$', '^src/platform/'] },
      to: { path: 'node_modules/typeorm/' },
    },
    {
      name: 'typeorm-in-platform-only-for-rows',
      severity: 'error',
      from: {
        path: room('platform'),
        pathNot: ['\\.entity\\.ts$', '\\.repository\\.ts$', '^src/platform/database/'],
      },
      to: { path: 'node_modules/typeorm/' },
    },
    {
      name: 'controllers-and-guards-ask-services',
      severity: 'error',
      from: { path: '\\.(controller|guard)\\.ts$' },
      to: { path: '\\.repository\\.ts$' },
    },
    {
      name: 'modules-use-services-not-rows',
      severity: 'error',
      comment: "Another module's repository or entity is its own business.",
      from: { path: '^src/modules/([^/]+)/' },
      to: { path: '^src/modules/([^/]+)/.*\\.(repository|entity)\\.ts$', pathNot: '^src/modules/$1/' },
    },
    {
      name: 'leaves-are-imported-by-nobody',
      severity: 'error',
      from: { path: '^src/modules/([^/]+)/' },
      to: { path: `^src/modules/(${LEAVES})/`, pathNot: '^src/modules/$1/' },
    },
    {
      name: 'module-graph-plans',
      severity: 'error',
      comment:
        'plans, tenants <- entitlements <- usage <- limits <- billing <- trials <- leaves (decisions 4)',
      from: { path: '^src/modules/(plans|tenants|api-keys|pricing)/' },
      to: { path: '^src/modules/(entitlements|usage|limits|catalog|billing|trials)/' },
    },
    {
      name: 'module-graph-entitlements',
      severity: 'error',
      from: { path: '^src/modules/entitlements/' },
      to: { path: '^src/modules/(usage|limits|catalog|billing|trials)/' },
    },
    {
      name: 'module-graph-usage',
      severity: 'error',
      from: { path: '^src/modules/usage/' },
      to: { path: '^src/modules/(limits|catalog|billing|trials)/' },
    },
    {
      name: 'module-graph-limits',
      severity: 'error',
      from: { path: '^src/modules/limits/' },
      to: { path: '^src/modules/(billing|trials)/' },
    },
    {
      name: 'module-graph-billing',
      severity: 'error',
      from: { path: '^src/modules/billing/' },
      to: { path: '^src/modules/trials/' },
    },
    {
      name: 'src-never-imports-sandbox-or-tests',
      severity: 'error',
      from: { path: '^(src|migrations)/' },
      to: { path: '^(sandbox|test|bench|web)/' },
    },
    {
      name: 'nobody-imports-the-app',
      severity: 'error',
      from: { path: '^src/(contracts|domain|platform|stripe|modules)/' },
      to: { path: APP },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.spec\\.ts$' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
