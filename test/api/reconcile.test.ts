import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { readGenerationOfAnyone } from '../../src/api/generations/read-generation';
import { reconcile } from '../../src/api/generations/reconcile';
import { createGenerationStore, createSpendStore, type GenerationStore } from '../../src/db';
import { workflowIdOf } from '../../src/domain/workflow-id';
import { openTestDatabase, type TestDatabase } from '../db/test-database';
import { generationState, slotState } from '../db/states';
import { planOf, studio } from '../support/flow-requests';
import { FakeTemporal } from './fake-temporal';

let database: TestDatabase;
let store: GenerationStore;
beforeAll(async () => {
  database = await openTestDatabase();
  store = createGenerationStore(database.db);
}, 90_000);
afterAll(() => database.close());

beforeEach(async () => {
  await database.db.deleteFrom('generations').execute();
});

const reservedUsd = 0.5;

/** A job whose start was asked for a minute ago, of a caller of its own. */
async function accepted() {
  const flowRequest = studio();
  const { characterId, nsfw } = flowRequest.request;
  const generationId = randomUUID();
  const key = { key: generationId, requestHash: 'h' };
  const own = { generationId, characterId, nsfw, caller: generationId, reservedUsd };
  await store.accept({ input: { ...own, flowRequest, plan: planOf(flowRequest) }, idempotency: key });
  const startAskedAt = sql<string>`now() - interval '1 minute'`;
  const job = database.db.updateTable('generations').where('id', '=', generationId);
  await job.set({ start_asked_at: startAskedAt }).execute();
  return {
    generationId,
    key,
    workflowId: workflowIdOf({ flow: flowRequest.flow, characterId, generationId }),
  };
}

function withoutWorkflow(): FakeTemporal {
  const temporal = new FakeTemporal();
  temporal.run = undefined;
  return temporal;
}

/** Another process comes between what this one read and what it writes. */
function interrupted(meanwhile: () => Promise<unknown>): GenerationStore {
  return {
    ...store,
    async endUnfinished(seen, end) {
      await meanwhile();
      await store.endUnfinished(seen, end);
    },
  };
}

describe('what workflows could not tell', () => {
  it('is booked once by two processes at once', async () => {
    const { generationId } = await accepted();
    await store.confirmStart(generationId, 'run-1');
    const temporal = withoutWorkflow();
    const generations = interrupted(() => reconcile({ generations: store, temporal }));

    await reconcile({ generations, temporal });

    expect(await store.findOfAnyone(generationId)).toMatchObject({
      ...{ status: 'failed', forgottenUsd: reservedUsd, notices: [{ code: 'history_lost' }] },
    });
    const spend = await createSpendStore(database.db).today(generationId);
    expect(spend).toMatchObject({ usedUsd: reservedUsd, reservedUsd: 0 });
  });

  it('gives way to a start that was asked for again meanwhile', async () => {
    const { generationId, key } = await accepted();
    const generations = interrupted(async () => {
      await store.findRepeat(generationId, key);
      await store.confirmStart(generationId, 'run-1');
    });

    await reconcile({ generations, temporal: withoutWorkflow() });

    expect(await store.findOfAnyone(generationId)).toMatchObject({ status: 'running', error: undefined });
  });

  it('is a reset of a finished job, also where its new run has changed nothing yet', async () => {
    const { generationId, workflowId } = await accepted();
    const own = { generationId, flow: 'studio', firstRun: 'run-1' } as const;
    const finishedAt = new Date().toISOString();
    const before = generationState({
      ...own,
      revision: 200,
      runs: ['run-1'],
      status: 'completed',
      finishedAt,
    });
    await store.saveState(before);
    const temporal = new FakeTemporal();
    const slots = [slotState({ status: 'running' })];
    temporal.state = generationState({ ...own, revision: 100, runs: ['run-2'], slots });
    temporal.listRunning = () => Promise.resolve(new Map([[workflowId, 'run-2']]));

    await reconcile({ generations: store, temporal });

    const reading = await readGenerationOfAnyone({ generations: store, temporal }, generationId);
    expect(reading?.record).toMatchObject({ status: 'running', notices: [{ code: 'reset' }] });
  });

  it('is asked for once where the workflow merely goes on in another run', async () => {
    const { generationId, workflowId } = await accepted();
    const own = { generationId, flow: 'studio', firstRun: 'run-1' } as const;
    await store.saveState(generationState({ ...own, revision: 100, runs: ['run-1'] }));
    const temporal = new FakeTemporal();
    temporal.state = generationState({ ...own, revision: 100, runs: ['run-1', 'run-2'] });
    temporal.listRunning = () => Promise.resolve(new Map([[workflowId, 'run-2']]));
    const progress = jest.spyOn(temporal, 'progress');

    await reconcile({ generations: store, temporal });
    await reconcile({ generations: store, temporal });

    expect(progress).toHaveBeenCalledTimes(1);
    expect(await store.findOfAnyone(generationId)).toMatchObject({ runId: 'run-2', notices: [] });
  });

  describe('of jobs that a generation leaves to be settled', () => {
    const left = { flow: 'studio' as const, firstRun: 'run-1', runs: ['run-1'], unsettledJobs: 1 };

    it('nobody settles them once its workflow was terminated, however it stood then', async () => {
      for (const status of ['running', 'cancelled'] as const) {
        const { generationId } = await accepted();
        const finishedAt = status === 'running' ? undefined : new Date().toISOString();
        const state = generationState({ ...left, generationId, status, finishedAt, atRiskUsd: 0.02 });
        await store.saveState(state);
        const temporal = new FakeTemporal();
        temporal.state = state;
        temporal.run = { status: 'terminated', calls: [] };

        await reconcile({ generations: store, temporal });

        const ended = { status: status === 'running' ? 'failed' : status, unsettledJobs: 0 };
        expect(await store.findOfAnyone(generationId)).toMatchObject(ended);
      }
    });

    it('they are still settled while its workflow runs, also where Temporal lists it late', async () => {
      const { generationId } = await accepted();
      const finishedAt = new Date().toISOString();
      await store.saveState(generationState({ ...left, generationId, status: 'cancelled', finishedAt }));
      const temporal = new FakeTemporal();
      temporal.run = { status: 'running', calls: [] };

      await reconcile({ generations: store, temporal });

      expect(await store.findOfAnyone(generationId)).toMatchObject({ status: 'cancelled', unsettledJobs: 1 });
    });
  });
});
