/** The rooms and which doors they have. Those outside src/ stand beside the service. Type-only imports count too. */
const outside = ['client', 'emulator', 'local', 'proof'];
const room = (name) => (outside.includes(name) ? `^${name}/` : `^src/${name}/`);
const own = '^(src|client|emulator|local|proof)/';
const only = (from, allowed, comment) => ({
  name: `${from}-imports`,
  comment,
  severity: 'error',
  from: { path: room(from) },
  to: { path: own, pathNot: [room(from), ...allowed.map(room)] },
});
const never = (from, packages, comment) => ({
  name: `${from}-packages`,
  comment,
  severity: 'error',
  from: { path: room(from) },
  to: { path: packages },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    only('domain', [], 'Payload types and pure rules know nobody.'),
    only('registry', ['domain'], 'Pure data and functions.'),
    only('providers', ['domain'], 'Clients know neither Temporal nor the registry.'),
    only('assets', ['domain'], 'Implements the media port of the domain.'),
    only('db', ['domain', 'registry'], 'Tables and their stores.'),
    only('config', ['domain', 'registry'], 'Environment to settings; called by the mains.'),
    only('logging', [], 'Loggers.'),
    only(
      'activities',
      ['domain', 'registry', 'providers'],
      'Thin adapters; clients and stores are injected.',
    ),
    only(
      'worker',
      ['domain', 'registry', 'providers', 'activities', 'assets', 'db', 'config', 'logging', 'workflows'],
      'Wiring.',
    ),
    only(
      'api',
      ['domain', 'registry', 'assets', 'db', 'config', 'logging'],
      'Knows the Temporal client and the registry.',
    ),
    only(
      'emulator',
      ['registry'],
      'Shares nothing with the clients it is spoken to by; latencies come from the registry.',
    ),
    only(
      'local',
      ['client', 'config', 'domain', 'emulator'],
      'Starts the others as processes; captions use the letters of the emulator.',
    ),
    only('client', [], 'Knows the API by its document alone; it runs in browsers, too.'),
    {
      name: 'workflow-imports',
      comment: 'Workflows are deterministic: domain, and activities as types only.',
      severity: 'error',
      from: { path: room('workflows') },
      to: { path: own, pathNot: [room('workflows'), room('domain'), room('activities')] },
    },
    {
      name: 'workflow-activity-types-only',
      severity: 'error',
      from: { path: room('workflows') },
      to: { path: room('activities'), dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'workflow-packages',
      comment: 'Nothing but the workflow SDK may enter the bundle.',
      severity: 'error',
      from: { path: room('workflows') },
      to: { path: 'node_modules|^[a-z:]+$', pathNot: ['@temporalio/(workflow|common)', '^src/'] },
    },
    never('providers', '@temporalio', 'Temporal owns retries and state; a client owns one call.'),
    never(
      'registry',
      '@temporalio|node_modules/(axios|fastify|kysely|pg)/|^(node:)?(fs|http|net|crypto)$',
      'Pure.',
    ),
    never(
      'domain',
      'node_modules/(?!zod|@temporalio/common)',
      'A schema library and attribute keys, nothing else.',
    ),
    never('emulator', '@temporalio|node_modules/axios', 'Stands outside the product.'),
    never('api', '@temporalio/(worker|workflow|activity)', 'Talks to Temporal as a client.'),
    never('activities', 'node_modules/(axios|kysely|pg|ws)/', 'Providers and stores are injected.'),
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: ['main\\.ts$', '\\.d\\.ts$', '^src/workflows/index\\.ts$'] },
      to: {},
    },
    {
      name: 'no-dev-dependencies-in-production',
      severity: 'error',
      from: { path: '^(src|emulator)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json', '.mjs'] },
  },
};
