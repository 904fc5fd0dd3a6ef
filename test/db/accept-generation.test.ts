import { sql } from 'kysely';
import { createDatabase, createGenerationStore, type Database, type GenerationStore } from '../../src/db';
import type { GenerationInput } from '../../src/domain/generation';
import { generationInput, generationState } from './states';
import { openTestDatabase, silentLogger, type TestDatabase } from './test-database';

let database: TestDatabase;
let otherConnection: Database;
/** Two processes of the API, as far as the database can tell. */
let stores: [GenerationStore, GenerationStore];

beforeAll(async () => {
  database = await openTestDatabase();
  otherConnection = createDatabase(database.url, silentLogger);
  stores = [createGenerationStore(database.db), createGenerationStore(otherConnection)];
}, 90_000);

afterAll(async () => {
  await otherConnection.destroy();
  await database.close();
});

beforeEach(async () => {
  await database.db.deleteFrom('generations').execute();
});

const key = { key: 'order-1', requestHash: 'a'.repeat(64) };
const keys = async () =>
  (await database.db.selectFrom('idempotency_keys').select('key').orderBy('key').execute()).map(
    (row) => row.key,
  );
const jobs = async () => {
  const { count } = await database.db
    .selectFrom('generations')
    .select((select) => select.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
};
/** Many requests at once, half of them at each process. */
const race = (count: number, make: (index: number) => Parameters<GenerationStore['accept']>[0]) =>
  Promise.all(
    Array.from({ length: count }, (_, index) => stores[index % 2 === 0 ? 0 : 1].accept(make(index))),
  );

describe('a key', () => {
  it('stands for one job, however often and wherever it is sent', async () => {
    const input = generationInput();
    const [one, other] = stores;

    expect(await one.accept({ input, idempotency: key })).toEqual({
      kind: 'accepted',
      generationId: input.generationId,
    });
    expect(await other.accept({ input: generationInput(), idempotency: key })).toMatchObject({
      kind: 'repeated',
      generationId: input.generationId,
      status: 'accepted',
    });
    expect(await other.findRepeat('default', key)).toMatchObject({
      generationId: input.generationId,
      workflowId: `studio/ava/${input.generationId}`,
    });
    expect(await jobs()).toBe(1);
  });

  it('makes one job of twenty requests that two processes take at once', async () => {
    const answers = await race(20, () => ({ input: generationInput(), idempotency: key }));

    const made = answers.filter(({ kind }) => kind === 'accepted');
    const ids = answers.map((answer) => ('generationId' in answer ? answer.generationId : answer.kind));
    expect(made).toHaveLength(1);
    expect(new Set(ids).size).toBe(1);
    expect(await jobs()).toBe(1);
  });

  it('is refused with another request, also when both come at once', async () => {
    const answers = await race(10, (index) => ({
      input: generationInput(),
      idempotency: { ...key, requestHash: String(index % 2).repeat(64) },
    }));

    expect(answers.filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
    expect(answers.filter(({ kind }) => kind === 'repeated')).toHaveLength(4);
    expect(answers.filter(({ kind }) => kind === 'key_reused')).toHaveLength(5);
  });

  it('belongs to its caller alone', async () => {
    const [store] = stores;
    await store.accept({ input: generationInput({ caller: 'one' }), idempotency: key });

    expect(await store.findRepeat('two', key)).toBeUndefined();
    const other = await store.accept({ input: generationInput({ caller: 'two' }), idempotency: key });
    expect(other.kind).toBe('accepted');
  });

  it('gives back what its workflow was to be started with, until the workflow has reported', async () => {
    const [store] = stores;
    const input: GenerationInput = generationInput({
      caller: 'app',
      lineage: { generationId: 'parent', slot: 1 },
    });
    await store.accept({ input, idempotency: key });

    const before = await store.findRepeat('app', key);
    await store.saveState(generationState({ generationId: input.generationId }));
    const after = await store.findRepeat('app', key);

    const { plan, ...unplanned } = input;
    expect(before).toMatchObject({ unconfirmed: JSON.parse(JSON.stringify(unplanned)) as object });
    expect(before).not.toHaveProperty('unconfirmed.plan', plan);
    expect(after).toMatchObject({ status: 'running', unconfirmed: undefined });
  });

  it('can be used again once its job was taken back', async () => {
    const [store] = stores;
    const first = generationInput();
    await store.accept({ input: first, idempotency: key });
    await store.removeAccepted(first.generationId);

    expect(await store.findRepeat('default', key)).toBeUndefined();
    const other = { ...key, requestHash: 'b'.repeat(64) };
    expect((await store.accept({ input: generationInput(), idempotency: other })).kind).toBe('accepted');
  });

  it('keeps its job when one request fails to start it while another one tries', async () => {
    const [store, other] = stores;
    const input = generationInput();
    await store.accept({ input, idempotency: key });
    await other.findRepeat('default', key);
    await store.removeAccepted(input.generationId);

    expect(await other.findRepeat('default', key)).toMatchObject({ generationId: input.generationId });
  });

  it('starts a job that was given up before it started under the same id, so that there is never a second one', async () => {
    const [store] = stores;
    const input = generationInput();
    await store.accept({ input, idempotency: key });
    const seen = await store.findOfAnyone(input.generationId);
    const error = { code: 'not_started', message: 'never started' };
    await store.endUnfinished(seen!, { status: 'failed', error });

    expect(await store.findRepeat('default', key)).toBeUndefined();
    const again = await store.accept({ input: generationInput(), idempotency: key });

    expect(again).toEqual({ kind: 'accepted', generationId: input.generationId });
    expect(await store.findOfAnyone(input.generationId)).toMatchObject({
      status: 'accepted',
      error: undefined,
    });
    expect(await jobs()).toBe(1);
  });

  it('is kept for thirty days', async () => {
    const [store] = stores;
    const add = (name: string) =>
      store.accept({ input: generationInput(), idempotency: { ...key, key: name } });
    await add('old');
    await add('young');
    const age = (name: string, days: number) =>
      database.db
        .updateTable('idempotency_keys')
        .set({ created_at: sql<string>`now() - make_interval(days => ${days})` })
        .where('key', '=', name)
        .execute();
    await age('old', 31);
    await age('young', 29);
    await add('new');

    expect(await keys()).toEqual(['new', 'young']);
  });

  it('goes with its generation', async () => {
    const [store] = stores;
    await store.accept({ input: generationInput(), idempotency: key });
    await database.db.deleteFrom('generations').execute();

    expect(await keys()).toEqual([]);
  });
});

describe('the daily limit', () => {
  it('lets through just as many jobs as fit when two processes take twenty at once', async () => {
    const answers = await race(20, () => ({
      input: generationInput({ reservedUsd: 0.3 }),
      dailyLimitUsd: 1.5,
    }));

    expect(answers.filter(({ kind }) => kind === 'accepted')).toHaveLength(5);
    expect(answers.filter(({ kind }) => kind === 'over_limit')).toHaveLength(15);
    expect(await jobs()).toBe(5);
  });

  it('says what is used, and leaves the key free', async () => {
    const [store] = stores;
    await store.accept({ input: generationInput({ reservedUsd: 0.7 }) });
    const refused = { input: generationInput({ reservedUsd: 0.4 }), idempotency: key, dailyLimitUsd: 1 };

    expect(await store.accept(refused)).toMatchObject({
      kind: 'over_limit',
      spend: { usedUsd: 0.7, reservedUsd: 0.7, costUsd: 0 },
    });
    expect(await keys()).toEqual([]);
    expect((await store.accept({ ...refused, dailyLimitUsd: 1.1 })).kind).toBe('accepted');
  });

  it('takes nothing from a job under the same key that never started', async () => {
    const [store] = stores;
    const input = generationInput();
    await store.accept({ input, idempotency: key });
    const seen = await store.findOfAnyone(input.generationId);
    await store.endUnfinished(seen!, { status: 'failed', error: { code: 'not_started', message: 'never' } });
    const again = { input: generationInput({ reservedUsd: 2 }), idempotency: key };

    expect((await store.accept({ ...again, dailyLimitUsd: 1 })).kind).toBe('over_limit');
    expect((await store.findOfAnyone(input.generationId))?.status).toBe('failed');
    expect(await keys()).toEqual([key.key]);
    expect(await store.accept({ ...again, dailyLimitUsd: 3 })).toMatchObject({
      generationId: input.generationId,
    });
  });

  it('does not count a repeated request twice', async () => {
    const order = { input: generationInput({ reservedUsd: 0.9 }), idempotency: key, dailyLimitUsd: 1 };
    const [store] = stores;
    await store.accept(order);

    expect(await store.accept(order)).toMatchObject({ kind: 'repeated' });
  });
});
