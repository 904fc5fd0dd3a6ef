import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createTemporalGateway, type TemporalGateway } from '../../src/api/temporal/temporal-gateway';
import { generationTaskQueue } from '../../src/domain/task-queues';
import { TemporalUnavailable } from '../../src/api/temporal/temporal-port';
import type { GenerationInput } from '../../src/domain/generation';
import { studioRequestSchema } from '../../src/domain/requests';
import { workflowIdOf } from '../../src/domain/workflow-id';
import { freePorts } from '../../local/stack/free-ports';
import { planOf } from '../support/flow-requests';
import { startSilentServer } from '../support/silent-server';
import { startTemporalServer, type TemporalTestServer } from '../support/temporal';

function input(): GenerationInput {
  const request = studioRequestSchema.parse({
    characterId: 'ava',
    prompt: 'a private prompt',
    count: 2,
    nsfw: true,
  });
  const flowRequest = { flow: 'studio', request, assets: {} } as const;
  return {
    generationId: randomUUID(),
    characterId: 'ava',
    nsfw: true,
    caller: 'default',
    reservedUsd: 0,
    flowRequest,
    plan: planOf(flowRequest),
  };
}

/** Runs `work` while a worker answers for the jobs. */
async function withWorker(server: TemporalTestServer, work: () => Promise<void>): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const connection = await NativeConnection.connect({ address: server.address });
  const worker = await Worker.create({
    connection,
    namespace: server.namespace,
    taskQueue: generationTaskQueue,
    workflowsPath: require.resolve('./talking-workflow'),
  });
  await worker.runUntil(work);
  await connection.close();
}

function idOf({ generationId, characterId, flowRequest: { flow } }: GenerationInput): string {
  return workflowIdOf({ flow, characterId, generationId });
}

describe('on a real Temporal server', () => {
  let server: TemporalTestServer;
  let gateway: TemporalGateway;

  beforeAll(async () => {
    server = await startTemporalServer();
    const uiUrl = 'http://ui.test/';
    gateway = createTemporalGateway({
      taskQueue: generationTaskQueue,
      connection: { address: server.address },
      namespace: server.namespace,
      uiUrl,
    });
  }, 60_000);

  afterAll(async () => {
    await gateway.close();
    await server.stop();
  });

  it('starts a workflow that a person can read and find in the UI', async () => {
    const job = input();
    await gateway.start(job);

    const connection = await Connection.connect({ address: server.address });
    const description = await new Client({ connection }).workflow.getHandle(idOf(job)).describe();
    await connection.close();

    expect(description).toMatchObject({ type: 'studioGeneration', taskQueue: 'ryla-generation' });
    expect(await description.staticSummary()).toBe('studio · creating · 2 pictures · nsfw · ava');
    expect(await description.staticDetails()).not.toContain('private');
    const attributes = description.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]);
    expect(Object.fromEntries(attributes)).toMatchObject({
      Flow: 'studio',
      CharacterId: 'ava',
      Nsfw: true,
      Provider: ['modal'],
    });
  });

  it('starts the same job once only', async () => {
    const job = input();
    await gateway.start(job);

    await expect(gateway.start(job)).resolves.toBeUndefined();
  });

  it('tells a running workflow from a cancelled and from an unknown one', async () => {
    const job = input();
    await gateway.start(job);

    expect(await gateway.describe(idOf(job))).toEqual({ status: 'running', calls: [] });
    expect(await gateway.cancel(idOf(job))).toBe(true);
    expect(await gateway.describe('studio/ava/none')).toBeUndefined();
    expect(await gateway.cancel('studio/ava/none')).toBe(false);
  });

  it('does not wait long for a progress report that no worker can give', async () => {
    const job = input();
    await gateway.start(job);
    const started = performance.now();

    await expect(gateway.progress(idOf(job))).rejects.toThrow();
    expect(performance.now() - started).toBeLessThan(4000);
  });

  it('does not wait long for a worker to take a message, and says that it may still take effect', async () => {
    const job = input();
    await gateway.start(job);
    const started = performance.now();
    const decision = { slot: 1, decision: 'give_up' } as const;

    const answers = await Promise.all([gateway.decideSlot(idOf(job), decision), gateway.retryNow(idOf(job))]);

    expect(answers).toEqual([{ kind: 'unanswered' }, { kind: 'unanswered' }]);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('tells a job what was decided, and hears whether it fits', async () => {
    const job = input();
    await gateway.start(job);
    const decide = (slot: number, decision: 'resubmit' | 'give_up') =>
      gateway.decideSlot(idOf(job), { slot, decision });

    await withWorker(server, async () => {
      expect(await gateway.retryNow(idOf(job))).toEqual({ kind: 'done', result: { slots: [2, 3] } });
      expect(await decide(2, 'resubmit')).toEqual({ kind: 'rejected' });
      expect(await decide(1, 'give_up')).toEqual({ kind: 'done', result: undefined });
      expect((await decide(1, 'give_up')).kind).toMatch(/rejected|gone/);
    });
    expect(await gateway.retryNow('studio/ava/none')).toEqual({ kind: 'gone' });
  });

  it('is ready, and links to the run with its id in one piece', async () => {
    await expect(gateway.ready()).resolves.toBeUndefined();
    expect(gateway.uiUrl('studio/ava/1')).toBe(
      'http://ui.test/namespaces/default/workflows/studio%2Fava%2F1',
    );
  });

  it('finds a server that comes up late', async () => {
    const [port = 0] = await freePorts(1);
    const late = createTemporalGateway({
      taskQueue: generationTaskQueue,
      connection: { address: `127.0.0.1:${port}` },
    });
    await expect(late.ready()).rejects.toThrow(TemporalUnavailable);
    const [host = '', serverPort] = server.address.split(':');
    const forwarder = createServer((socket) => {
      const upstream = connect(Number(serverPort), host);
      socket.pipe(upstream).pipe(socket);
      socket.on('error', () => upstream.destroy());
      upstream.on('error', () => socket.destroy());
    }).listen(port, '127.0.0.1');
    await once(forwarder, 'listening');

    await expect(late.ready()).resolves.toBeUndefined();
    await late.close();
    forwarder.close();
    await once(forwarder, 'close');
  });

  it('is not ready in a namespace that does not exist, and starts nothing there', async () => {
    const other = createTemporalGateway({
      taskQueue: generationTaskQueue,
      connection: { address: server.address },
      namespace: 'nowhere',
    });

    await expect(other.ready()).rejects.toThrow(TemporalUnavailable);
    await expect(other.start(input())).rejects.toMatchObject({ mayHaveStarted: false });
    await other.close();
  });
});

describe('without a Temporal server', () => {
  async function failures(address: string) {
    const gateway = createTemporalGateway({ taskQueue: generationTaskQueue, connection: { address } });
    const calls = [
      () => gateway.start(input()),
      () => gateway.describe('x'),
      () => gateway.cancel('x'),
      () => gateway.ready(),
      () => gateway.retryNow('x'),
      () => gateway.decideSlot('x', { slot: 1, decision: 'give_up' }),
    ];
    const started = performance.now();
    const errors = await Promise.all(calls.map((call) => call().catch((error: unknown) => error)));
    const seconds = (performance.now() - started) / 1000;
    await gateway.close();
    return { errors, seconds };
  }

  it('every call fails in time, and nothing can have started', async () => {
    const { errors, seconds } = await failures('127.0.0.1:1');

    expect(errors.every((error) => error instanceof TemporalUnavailable)).toBe(true);
    expect(errors[0]).toMatchObject({ mayHaveStarted: false });
    expect(seconds).toBeLessThan(5);
  });

  it('every call fails in time when the server takes connections but never answers', async () => {
    const silent = await startSilentServer();

    const { errors, seconds } = await failures(`127.0.0.1:${silent.port}`);

    expect(errors.every((error) => error instanceof TemporalUnavailable)).toBe(true);
    expect(errors[0]).toMatchObject({ mayHaveStarted: false });
    expect(seconds).toBeLessThan(5);
    await silent.close();
  });

  it('has no link to a UI nobody configured', async () => {
    const gateway = createTemporalGateway({
      taskQueue: generationTaskQueue,
      connection: { address: '127.0.0.1:1' },
    });

    expect(gateway.uiUrl('x')).toBeUndefined();
    await gateway.close();
  });
});
