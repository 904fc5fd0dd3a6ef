import { createGenerationStore, createProviderCallbackStore, type ProviderCallbackStore } from '../../src/db';
import { attempt, generationState, slotState } from './states';
import { openTestDatabase, type TestDatabase } from './test-database';

let database: TestDatabase;
let callbacks: ProviderCallbackStore;

beforeAll(async () => {
  database = await openTestDatabase();
  callbacks = createProviderCallbackStore(database.db, 'fal');
}, 90_000);

afterAll(() => database.close());

beforeEach(async () => {
  await database.db.deleteFrom('provider_callbacks').execute();
});

const told = { jobKey: 'g/slot-0/fal', requestId: 'r1', status: 'OK', signedAt: '2026-01-01T00:00:00.000Z' };
const later = '2026-01-01T00:00:01.000Z';

describe('what call-backs told', () => {
  it('is known by the job', async () => {
    expect(await callbacks.lookUp(told.jobKey)).toBeUndefined();
    expect(await callbacks.record(told)).toBe(true);
    const known = { requestId: 'r1', knownSince: expect.stringMatching(/Z$/) as unknown };
    expect(await callbacks.lookUp(told.jobKey)).toEqual(known);
    expect(await callbacks.lookUp('g/slot-1/fal')).toBeUndefined();
    expect(await createProviderCallbackStore(database.db, 'modal').lookUp(told.jobKey)).toBeUndefined();
  });

  it('may be told again, and is refused when it was signed before', async () => {
    await callbacks.record(told);
    expect(await callbacks.record(told)).toBe(false);
    expect(await callbacks.record({ ...told, signedAt: later })).toBe(true);
    expect(await callbacks.record(told)).toBe(false);
    expect(await database.db.selectFrom('provider_callbacks').selectAll().execute()).toMatchObject([
      { job_key: told.jobKey, request_id: 'r1', status: 'OK', signed_at: later },
    ]);
  });

  it('gives no request to a second job', async () => {
    await callbacks.record(told);
    expect(await callbacks.record({ ...told, jobKey: 'g/slot-1/fal', signedAt: later })).toBe(false);
    expect(await callbacks.lookUp('g/slot-1/fal')).toBeUndefined();
  });

  it('is the first of two requests of one job, however it came to be two', async () => {
    await callbacks.record(told);
    await callbacks.record({ ...told, requestId: 'r2', signedAt: later });
    expect(await callbacks.lookUp(told.jobKey)).toMatchObject({ requestId: 'r1' });
  });

  it('knows a request from the answer to its submit on, and the call-back of the same job after it', async () => {
    await callbacks.claim('r1', told.jobKey);
    const claimed = await callbacks.lookUp(told.jobKey);
    expect(await callbacks.takenByOthers(['r1'], 'g/slot-1/fal')).toEqual(['r1']);
    expect(await callbacks.takenByOthers(['r1'], told.jobKey)).toEqual([]);
    await callbacks.claim('r1', 'g/slot-1/fal');
    expect(await callbacks.record(told)).toBe(true);
    expect(claimed).toMatchObject({ requestId: 'r1' });
    expect(await callbacks.lookUp(told.jobKey)).toEqual(claimed);
  });

  it('says which requests belong to other jobs, as finished calls do', async () => {
    const trail = [
      attempt({ number: 1, provider: 'fal', providerRequestId: 'r2', jobKey: 'g/slot-0/other' }),
      attempt({ number: 2, provider: 'fal', providerRequestId: 'r3', jobKey: told.jobKey }),
      attempt({ number: 3, provider: 'comfyui', providerRequestId: 'r4', jobKey: 'g/slot-0/pod' }),
      attempt({ number: 4, provider: 'fal', providerRequestId: 'r5' }),
    ];
    const state = generationState({ generationId: 'g', slots: [slotState({ attempts: trail })] });
    await createGenerationStore(database.db).saveState(state);
    await callbacks.record({ ...told, jobKey: 'g/slot-9/fal' });
    const taken = await callbacks.takenByOthers(['r1', 'r2', 'r3', 'r4', 'r5', 'r6'], told.jobKey);
    expect(taken.toSorted()).toEqual(['r1', 'r2', 'r5']);
    expect(await callbacks.takenByOthers([], told.jobKey)).toEqual([]);
  });
});
