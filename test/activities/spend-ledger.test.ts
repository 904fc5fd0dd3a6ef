import { createReserveSpend, createSpendLedger } from '../../src/activities/spend';
import { createGenerationStore, createSpendStore } from '../../src/db';
import { generationInput } from '../db/states';
import { openTestDatabase, type TestDatabase } from '../db/test-database';

let database: TestDatabase;
let reserveSpend: ReturnType<typeof createReserveSpend>;

beforeAll(async () => {
  database = await openTestDatabase();
  const limits = { defaultUsd: 1, byCaller: new Map([['rich', 5]]) };
  reserveSpend = createReserveSpend(createSpendLedger(createSpendStore(database.db), limits));
}, 90_000);

afterAll(() => database.close());

async function job(caller: string): Promise<{ generationId: string; caller: string }> {
  const input = generationInput({ caller, reservedUsd: 0.5 });
  await createGenerationStore(database.db).accept({ input });
  return { generationId: input.generationId, caller };
}

describe('a running job that asks for more money', () => {
  it('gets it within the daily limit of its caller, however often it asks', async () => {
    const ask = { ...(await job('one')), totalUsd: 0.9 };

    expect([await reserveSpend(ask), await reserveSpend(ask)]).toEqual([
      { granted: true },
      { granted: true },
    ]);
  });

  it('is told in a sentence with the figures why it does not get it', async () => {
    await job('two');
    const answer = await reserveSpend({ ...(await job('two')), totalUsd: 0.6 });

    expect(answer.granted).toBe(false);
    expect(answer.reason).toMatch(/caller two is \$1, of which \$0\.5 .* other jobs; .* need \$0\.6/);
  });

  it('has the limit of its caller where that has one of its own', async () => {
    expect(await reserveSpend({ ...(await job('rich')), totalUsd: 4.9 })).toEqual({ granted: true });
  });
});
