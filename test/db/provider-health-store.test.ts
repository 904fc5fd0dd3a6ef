import { createGenerationStore, createProviderHealthStore, type ProviderHealthStore } from '../../src/db';
import type { ProviderHealthRecord } from '../../src/domain/provider-health';
import type { ProviderName } from '../../src/domain/taxonomy';
import { generationState, slotState } from './states';
import { openTestDatabase, type TestDatabase } from './test-database';

let database: TestDatabase;
let store: ProviderHealthStore;

beforeAll(async () => {
  database = await openTestDatabase();
  store = createProviderHealthStore(database.db, 'queue');
}, 90_000);

afterAll(() => database.close());

beforeEach(async () => {
  await database.db.deleteFrom('provider_health').execute();
});

const down: ProviderHealthRecord = {
  provider: 'modal',
  state: 'down',
  since: '2026-01-02T03:04:05.000Z',
  reason: 'connection refused',
  nextProbeAt: '2026-01-02T03:04:06.000Z',
  parkedJobs: 3,
};
const up: ProviderHealthRecord = { provider: 'modal', state: 'up', since: '2026-01-02T03:10:00.000Z' };

describe("what is known of a provider's health", () => {
  it('is read back as it was recorded, and replaced by what comes after', async () => {
    await store.record(down);
    expect(await store.list()).toEqual([down]);

    await store.record({ ...down, nextProbeAt: '2026-01-02T03:04:36.000Z' });
    expect(await store.list()).toMatchObject([{ nextProbeAt: '2026-01-02T03:04:36.000Z' }]);

    await store.record(up);
    expect(await store.list()).toEqual([up]);
  });

  it('is not brought back by a write that was held up', async () => {
    await store.record(up);
    await store.record(down);

    expect(await store.list()).toEqual([up]);
  });

  it('takes a new number of jobs without a new state, and none before there is a state', async () => {
    await store.recordParked({ provider: 'modal', parkedJobs: 4 });
    expect(await store.list()).toEqual([]);
    await store.record(down);
    await store.recordParked({ provider: 'modal', parkedJobs: 4 });
    expect(await store.list()).toEqual([{ ...down, parkedJobs: 4 }]);
  });

  it('is apart for every provider and every task queue', async () => {
    const other = createProviderHealthStore(database.db, 'emulated');
    await store.record(down);
    await store.record({ ...up, provider: 'fal' });
    await other.record(up);

    expect((await store.list()).map(({ provider, state }) => [provider, state])).toEqual([
      ['fal', 'up'],
      ['modal', 'down'],
    ]);
    expect(await other.list()).toEqual([up]);
  });

  it('goes with the number of jobs that wait for it', async () => {
    const generations = createGenerationStore(database.db);
    const wait = { reason: 'out', since: down.since, nextTryAt: down.since, round: 1 };
    const waiting = (slot: number, ...watched: ProviderName[]) =>
      slotState({ slot, status: 'waiting', waiting: { ...wait, watched } });
    await generations.saveState(
      generationState({ generationId: 'one', slots: [waiting(1, 'modal', 'fal'), waiting(2, 'modal')] }),
    );
    const done = slotState({ slot: 2, status: 'completed' });
    await generations.saveState(generationState({ generationId: 'two', slots: [waiting(1, 'modal'), done] }));

    expect([...(await store.countParkedJobs())].toSorted()).toEqual([
      ['fal', 1],
      ['modal', 2],
    ]);
  });
});
