import { createCallLatencyStore, createGenerationStore } from '../../src/db';
import type { AttemptRecord } from '../../src/domain/attempt-record';
import { attempt, generationState, slotState } from './states';
import { openTestDatabase, type TestDatabase } from './test-database';

let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase();
}, 90_000);

afterAll(() => database.close());

beforeEach(async () => {
  await database.db.deleteFrom('generations').execute();
});

const p95 = (endpoint: string) => createCallLatencyStore(database.db).p95Seconds(endpoint);

/** Stores one generation whose only slot has these attempts, all at one endpoint. */
async function store(endpoint: string, attempts: Partial<AttemptRecord>[]) {
  const trail = attempts.map((fields, index) =>
    attempt({
      number: index + 1,
      endpoint,
      startedAt: new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString(),
      ...fields,
    }),
  );
  const state = generationState({ generationId: `at-${endpoint}`, slots: [slotState({ attempts: trail })] });
  await createGenerationStore(database.db).saveState(state);
}

const seconds = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => ({ seconds: from + index }));

describe('how long the calls of an endpoint took', () => {
  it('is the 95th percentile of those that made a picture', async () => {
    await store('/flux-dev', [...seconds(1, 100), { seconds: 9000, outcome: 'failed' }]);
    await store('/flux', seconds(1000, 1100));

    expect(await p95('/flux-dev')).toBeCloseTo(95.05);
  });

  it('counts a call that was overtaken with the time it had', async () => {
    const overtaken = { seconds: 500, outcome: 'cancelled', errorCode: 'overtaken' } as const;
    await store('/flux-dev', [...seconds(1, 90), ...Array.from({ length: 10 }, () => overtaken)]);

    expect(await p95('/flux-dev')).toBe(500);
  });

  it('is not said of fewer than twenty', async () => {
    await store('/flux-dev', seconds(1, 19));
    expect(await p95('/flux-dev')).toBeUndefined();

    await store('/flux', seconds(1, 20));
    expect(await p95('/flux')).toBeCloseTo(19.05);
    expect(await p95('/never-called')).toBeUndefined();
  });

  it('forgets what was before the newest two hundred', async () => {
    await store('/flux-dev', [...Array.from({ length: 300 }, () => ({ seconds: 600 })), ...seconds(1, 200)]);

    expect(await p95('/flux-dev')).toBeCloseTo(190.05);
  });
});
