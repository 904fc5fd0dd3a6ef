import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { tmpdir } from 'node:os';
import { Client, Connection } from '@temporalio/client';
import { sql } from 'kysely';
import { buildApp } from '../../src/api/app';
import type { ApiServer } from '../../src/api/context';
import { reconcile } from '../../src/api/generations/reconcile';
import { createTemporalGateway, type TemporalGateway } from '../../src/api/temporal/temporal-gateway';
import { createFilesystemAssetStore } from '../../src/assets';
import { createGenerationStore, createSpendStore } from '../../src/db';
import { generationTaskQueue } from '../../src/domain/task-queues';
import { send } from '../api/test-api';
import { openTestDatabase, silentLogger, type TestDatabase } from '../db/test-database';
import { FakeProvider, hanging, picture, type Answer } from '../support/fake-provider';
import { planOf, studio, testRouting } from '../support/flow-requests';
import { openHarness, type GenerationHarness } from '../support/generation-harness';
import { installQuietRuntime } from '../support/quiet-runtime';
import { startTemporalServer, type TemporalTestServer } from '../support/temporal';
import { waitUntil } from '../support/wait-until';

let server: TemporalTestServer;
let connection: Connection;
let client: Client;
let harness: GenerationHarness;
let database: TestDatabase;
let gateway: TemporalGateway;
let app: ApiServer;
let baseUrl: string;

beforeAll(async () => {
  installQuietRuntime();
  server = await startTemporalServer();
  connection = await Connection.connect({ address: server.address });
  client = new Client({ connection, namespace: server.namespace });
  harness = await openHarness({ ...server, client });
  database = await openTestDatabase();
  gateway = createTemporalGateway({
    connection: { address: server.address },
    taskQueue: generationTaskQueue,
  });
  app = await buildApp({
    routing: testRouting,
    dailyLimits: { byCaller: new Map() },
    taskQueue: generationTaskQueue,
    access: { mode: 'open', ratePerMinute: 600, corsOrigins: [] },
    db: database.db,
    assetStore: createFilesystemAssetStore({ directory: tmpdir() }),
    temporal: gateway,
    logger: silentLogger,
  });
  baseUrl = await app.listen({ host: '127.0.0.1', port: 0 });
}, 90_000);

afterAll(async () => {
  await app.close();
  await gateway.close();
  await database.close();
  await harness.close();
  await connection.close();
  await server.stop();
});

beforeEach(() => {
  const store = createGenerationStore(database.db);
  harness.surroundings.saveState = (state, earlierRuns) => store.saveState(state, earlierRuns);
});

/** By the price table. */
const priceUsd = 0.026214;
const reservedUsd = 0.5;

interface View {
  status: string;
  live: boolean;
  costUsd: number;
  atRiskUsd: number;
  error: { code: string } | null;
  notices: { code: string; atRiskUsd: number; jobs: object[] }[];
  slots: { status: string; error: { code: string } | null; attempts: object[] }[];
}

/** What every API process does twice a minute. */
async function reconcileNow(): Promise<void> {
  const startAskedAt = sql<string>`least(start_asked_at, now() - interval '1 minute')`;
  await database.db.updateTable('generations').set({ start_asked_at: startAskedAt }).execute();
  await reconcile({ generations: createGenerationStore(database.db), temporal: gateway });
}

/** To its caller, who is named like it. */
async function view(id: string): Promise<View> {
  const headers = { 'x-caller-id': id };
  return (await send(baseUrl, { url: `/v1/generations/${id}`, headers })).body as unknown as View;
}

/** A job of a caller of its own, noted and started as the API does it. */
async function start() {
  const generationId = randomUUID();
  const own = { generationId, caller: generationId, reservedUsd };
  const flowRequest = studio({ modelProvider: 'fal', strict: true, modelId: 'fal-flux-dev' });
  const { characterId, nsfw } = flowRequest.request;
  const store = createGenerationStore(database.db);
  await store.accept({ input: { ...own, characterId, nsfw, flowRequest, plan: planOf(flowRequest) } });
  const { workflowId } = await harness.start(flowRequest, own);
  const handle = client.workflow.getHandle(workflowId);
  const spend = () => createSpendStore(database.db).today(generationId);
  return { id: generationId, workflowId, handle, spend };
}

/** A call learns by its next heartbeat that Temporal has forgotten its activity: at most one pause and one throttle later. */
const hearsOfItSeconds = 9;

/** From the start of the call under way to its latest heartbeat. */
async function beatingSeconds(workflowId: string): Promise<number> {
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  const [call] = raw.pendingActivities ?? [];
  return Number(call?.lastHeartbeatTime?.seconds ?? 0) - Number(call?.lastStartedTime?.seconds ?? Infinity);
}

/** As `temporal workflow reset --type FirstWorkflowTask` or `LastWorkflowTask` does it. */
async function reset(workflowId: string, to: 'first' | 'last'): Promise<void> {
  const handle = client.workflow.getHandle(workflowId);
  const [{ runId }, { events = [] }] = await Promise.all([handle.describe(), handle.fetchHistory()]);
  const completed = (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes != null);
  const event = to === 'first' ? completed.at(0) : completed.at(-1);
  await client.workflowService.resetWorkflowExecution({
    namespace: server.namespace,
    workflowExecution: { workflowId, runId },
    reason: 'test',
    requestId: randomUUID(),
    workflowTaskFinishEventId: event?.eventId ?? null,
  });
}

/** Gives a repeated submit of one job the same request, as providers do that know jobs by our key. */
function byKey(requests: Map<string, string>): Answer {
  return async (job, _call, { dispatch }) => {
    await dispatch.intent();
    const request = requests.get(job.jobKey) ?? `r-${String(requests.size + 1)}`;
    requests.set(job.jobKey, request);
    await dispatch.accepted({ request }, request);
    return picture(job);
  };
}

/** Every submit is a job of its own. */
const byRequest: Answer = async (job, call, { dispatch }) => {
  await dispatch.intent();
  await dispatch.accepted({ request: call }, `r-${String(call)}`);
  return picture(job);
};

/** Accepted, and never done. Tells on `gate` when it is under way. */
function endless(gate: EventEmitter): Answer {
  return async (job, call, context) => {
    await context.dispatch.intent();
    await context.dispatch.accepted({ request: call }, `r-${String(call)}`);
    gate.emit('accepted');
    return await hanging(job, call, context);
  };
}

describe('a workflow that is terminated while a call is under way', () => {
  it('is shown as failed with the price of the call at risk, and the provider is told to stop', async () => {
    const gate = new EventEmitter();
    const fal = new FakeProvider('fal', endless(gate));
    fal.chargeOfStop = 'none';
    await harness.withProviders([fal], async () => {
      const accepted = once(gate, 'accepted');
      const { id, handle, spend } = await start();
      await accepted;
      await handle.terminate('test');

      const code = 'workflow_terminated';
      const ended = await view(id);
      expect(ended).toMatchObject({ status: 'failed', live: true, error: { code }, notices: [] });
      expect(ended).toMatchObject({ costUsd: 0, atRiskUsd: priceUsd });
      const attempts = [{ provider: 'fal', errorCode: code, certainty: 'unknown', atRiskUsd: priceUsd }];
      expect(ended.slots[0]?.attempts).toMatchObject([{ jobKey: fal.jobs[0]?.jobKey }]);
      expect(ended.slots).toMatchObject([{ status: 'failed', error: { code }, attempts }]);
      await reconcileNow();
      const slots = [{ status: 'failed', error: { code }, attempts }];
      expect(await view(id)).toMatchObject({ status: 'failed', error: { code }, atRiskUsd: priceUsd, slots });
      expect(await spend()).toMatchObject({ atRiskUsd: priceUsd, reservedUsd: 0, usedUsd: priceUsd });

      await waitUntil(() => Promise.resolve(fal.stopped.length > 0));
      expect(fal.stopped).toMatchObject([{ dispatch: { phase: 'accepted', handle: { request: 1 } } }]);
    });
  });

  it('is shown at once with all that was set aside at risk while no worker can say how far it was', async () => {
    const gate = new EventEmitter();
    const job = await harness.withProviders([new FakeProvider('fal', endless(gate))], async () => {
      const accepted = once(gate, 'accepted');
      const started = await start();
      await accepted;
      await started.handle.terminate('test');
      return started;
    });

    const unread = await view(job.id);
    expect(unread).toMatchObject({ status: 'failed', live: false, atRiskUsd: reservedUsd });
    expect(unread.notices).toMatchObject([{ code: 'unread', atRiskUsd: reservedUsd }]);
    expect(await job.spend()).toMatchObject({ usedUsd: reservedUsd });

    await harness.withProviders([new FakeProvider('fal')], async () => {
      await waitUntil(async () => (await view(job.id)).live);
      await reconcileNow();
    });
    expect(await view(job.id)).toMatchObject({ status: 'failed', atRiskUsd: priceUsd, notices: [] });
    expect(await job.spend()).toMatchObject({ usedUsd: priceUsd });
  });
});

describe('a workflow that is reset', () => {
  /** A job that has ended, whose workers are gone: a process keeps the end of its calls for a while. */
  async function finished(answer: Answer) {
    return await harness.withProviders([new FakeProvider('fal', answer)], async () => {
      const job = await start();
      await job.handle.result();
      expect(await view(job.id)).toMatchObject({ status: 'completed', costUsd: priceUsd, atRiskUsd: 0 });
      return job;
    });
  }

  it('is visible again, and what it paid before is at risk beside what it pays again', async () => {
    const { id, workflowId, spend } = await finished(byRequest);
    const gate = new EventEmitter();
    const fal = new FakeProvider('fal', async (job, _call, { dispatch }) => {
      await dispatch.intent();
      gate.emit('submitted');
      await once(gate, 'go on');
      await dispatch.accepted({ request: 2 }, 'r-2');
      return picture(job);
    });
    await harness.withProviders([fal], async () => {
      const submitted = once(gate, 'submitted');
      await reset(workflowId, 'first');
      await submitted;
      await reconcileNow();
      const again = await view(id);
      expect(again).toMatchObject({ status: 'running', costUsd: 0, atRiskUsd: priceUsd });
      expect(again.notices).toMatchObject([
        { code: 'reset', atRiskUsd: priceUsd, jobs: [{ slot: 1, providerRequestId: 'r-1', usd: priceUsd }] },
      ]);
      expect(await spend()).toMatchObject({ atRiskUsd: priceUsd, usedUsd: reservedUsd + priceUsd });
      gate.emit('go on');
      await client.workflow.getHandle(workflowId).result();
    });

    expect(fal.jobs).toHaveLength(1);
    expect(await view(id)).toMatchObject({ status: 'completed', costUsd: priceUsd, atRiskUsd: priceUsd });
    expect(await spend()).toMatchObject({ costUsd: priceUsd, atRiskUsd: priceUsd, usedUsd: 2 * priceUsd });
  });

  it('pays nothing twice where the provider knows jobs by our key', async () => {
    const requests = new Map<string, string>();
    const { id, workflowId, spend } = await finished(byKey(requests));
    const fal = new FakeProvider('fal', byKey(requests));
    await harness.withProviders([fal], async () => {
      await reset(workflowId, 'first');
      await client.workflow.getHandle(workflowId).result();
    });

    expect(fal.jobs).toHaveLength(1);
    expect(requests.size).toBe(1);
    const { costUsd, atRiskUsd, notices } = await view(id);
    expect([costUsd, atRiskUsd]).toEqual([priceUsd, 0]);
    expect(notices).toMatchObject([{ code: 'reset', atRiskUsd: 0, jobs: [] }]);
    expect(await spend()).toMatchObject({ usedUsd: priceUsd });
  });

  it.each([
    ['counts as at risk, because the run before had begun it', false, priceUsd],
    ['counts once where the provider knows jobs by our key', true, 0],
  ])('keeps its call under way, whose price %s', async (_case, goesByKey, riskUsd) => {
    const gate = new EventEmitter();
    const fal = new FakeProvider('fal', async (job, call, context) => {
      await context.dispatch.intent();
      gate.emit('accepted');
      await once(gate, 'go on');
      await context.dispatch.accepted({ request: call }, `r-${String(call)}`);
      return picture(job);
    });
    fal.goesByKey = () => goesByKey;
    await harness.withProviders([fal], async () => {
      const accepted = once(gate, 'accepted');
      const { id, workflowId } = await start();
      await accepted;
      await waitUntil(async () => (await view(id)).slots.length > 0);
      await reset(workflowId, 'last');
      await waitUntil(async () => (await beatingSeconds(workflowId)) > hearsOfItSeconds);
      gate.emit('go on');
      await client.workflow.getHandle(workflowId).result();

      expect(fal.jobs).toHaveLength(1);
      expect(fal.stopped).toEqual([]);
      const { status, costUsd, atRiskUsd, notices } = await view(id);
      expect([status, costUsd, atRiskUsd]).toEqual(['completed', priceUsd, riskUsd]);
      expect(notices).toMatchObject([
        { code: 'reset', atRiskUsd: riskUsd, jobs: riskUsd === 0 ? [] : [{ usd: riskUsd }] },
      ]);
    });
  });
});
