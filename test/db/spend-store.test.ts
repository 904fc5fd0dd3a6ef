import { sql } from 'kysely';
import {
  createDatabase,
  createGenerationStore,
  createSpendStore,
  type Database,
  type GenerationStore,
  type SpendStore,
} from '../../src/db';
import type { GenerationState } from '../../src/domain/generation';
import { waitUntil } from '../support/wait-until';
import { generationInput, generationState } from './states';
import { openTestDatabase, silentLogger, type TestDatabase } from './test-database';

let database: TestDatabase;
let otherConnection: Database;
let generations: GenerationStore;
let spends: [SpendStore, SpendStore];

beforeAll(async () => {
  database = await openTestDatabase();
  otherConnection = createDatabase(database.url, silentLogger);
  generations = createGenerationStore(database.db);
  spends = [createSpendStore(database.db), createSpendStore(otherConnection)];
}, 90_000);

afterAll(async () => {
  await otherConnection.destroy();
  await database.close();
});

beforeEach(async () => {
  await database.db.deleteFrom('generations').execute();
});

/** A job of this caller with so much set aside, and what it reported last. */
async function job(reservedUsd: number, state: Partial<GenerationState> = {}, caller = 'app') {
  const input = generationInput({ caller, reservedUsd });
  await generations.accept({ input });
  const { generationId } = input;
  if (Object.keys(state).length > 0) await generations.saveState(generationState({ generationId, ...state }));
  return generationId;
}

/** Connections that wait for a lock. */
async function waitingSessions(): Promise<number> {
  const { rows } = await sql<{ sessions: number }>`
    select count(distinct pid) as sessions from pg_locks where not granted`.execute(database.db);
  return rows[0]?.sessions ?? 0;
}

const moveToYesterday = (id: string) =>
  database.db
    .updateTable('generations')
    .set({ created_at: sql<string>`date_trunc('day', now(), 'UTC') - interval '1 second'` })
    .where('id', '=', id)
    .execute();

describe("a caller's spend of the day", () => {
  it('counts what is set aside for jobs that run, and what they cost once they have ended', async () => {
    await job(1);
    await job(1, { status: 'running', costUsd: 0.25, atRiskUsd: 0.05 });
    await job(1, { status: 'running', costUsd: 1.1, atRiskUsd: 0.2 });
    await job(1, { status: 'completed', costUsd: 0.4 });
    await job(1, { status: 'failed', costUsd: 0, atRiskUsd: 0.1 });

    expect(await spends[0].today('app')).toMatchObject({
      costUsd: 1.75,
      atRiskUsd: 0.35,
      reservedUsd: 1.7,
      usedUsd: 3.8,
    });
  });

  it('is apart for every caller, and nothing where nothing was asked', async () => {
    await job(1, {}, 'other');

    expect(await spends[0].today('app')).toMatchObject({ usedUsd: 0, costUsd: 0, reservedUsd: 0 });
  });

  it('begins anew at midnight UTC, and says when', async () => {
    await moveToYesterday(await job(1));

    const { usedUsd, resetsAt, resetsInSeconds } = await spends[0].today('app');

    expect(usedUsd).toBe(0);
    expect(resetsAt).toMatch(/T00:00:00\.000Z$/);
    expect(resetsInSeconds).toBeGreaterThan(0);
    expect(resetsInSeconds).toBeLessThanOrEqual(24 * 3600);
  });
});

describe('a job that needs more than was set aside', () => {
  const raise = (generationId: string, totalUsd: number, dailyLimitUsd?: number) =>
    spends[0].raise({ generationId, caller: 'app', totalUsd, dailyLimitUsd });

  it('gets it within the limit, and once only however often it asks', async () => {
    const id = await job(0.5);
    await job(0.2);

    expect(await raise(id, 0.8, 1)).toEqual({ granted: true });
    expect(await raise(id, 0.8, 1)).toEqual({ granted: true });
    expect(await spends[0].today('app')).toMatchObject({ usedUsd: 1 });
  });

  it('does not get it beyond the limit, and keeps what it has', async () => {
    const id = await job(0.5);
    await job(0.4);

    expect(await raise(id, 0.7, 1)).toMatchObject({ granted: false, spend: { usedUsd: 0.4 } });
    expect(await spends[0].today('app')).toMatchObject({ usedUsd: 0.9 });
  });

  it('never gives anything back by asking for less', async () => {
    const id = await job(0.5);
    await raise(id, 0.3);

    expect(await spends[0].today('app')).toMatchObject({ usedUsd: 0.5 });
  });

  it('is not counted twice for what it has cost so far', async () => {
    const id = await job(0.5, { status: 'running', costUsd: 0.6 });

    expect(await raise(id, 0.9, 1)).toEqual({ granted: true });
    expect(await spends[0].today('app')).toMatchObject({ usedUsd: 0.9 });
  });

  it('counts on the day on which it was accepted', async () => {
    const id = await job(0.5);
    await moveToYesterday(id);
    await job(1);

    expect(await raise(id, 0.9, 1)).toEqual({ granted: true });
    expect(await raise(id, 1.1, 1)).toMatchObject({ granted: false });
  });

  it('gets it without a limit, also when its row is not there', async () => {
    expect(await raise(await job(0.5), 100)).toEqual({ granted: true });
    expect(await raise('unknown', 100)).toEqual({ granted: true });
  });

  it('never brings the day above the limit when many ask two processes at once', async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, () => job(0.1)));
    const raises = await database.db.transaction().execute(async (transaction) => {
      // Everyone may read, nobody may write: each gets as far as it can before any other has written.
      await sql`lock table generations in share mode`.execute(transaction);
      const asked = ids.map((generationId, index) =>
        spends[index % 2 === 0 ? 0 : 1].raise({
          generationId,
          caller: 'app',
          totalUsd: 0.3,
          dailyLimitUsd: 1.2,
        }),
      );
      await waitUntil(async () => (await waitingSessions()) === ids.length);
      return asked;
    });

    const granted = (await Promise.all(raises)).filter((outcome) => outcome.granted);

    expect(granted).toHaveLength(2);
    expect(await spends[0].today('app')).toMatchObject({ usedUsd: 1.2 });
  });
});
