import { createGenerationStore, createProviderHealthStore, type GenerationStore } from '../../src/db';
import { TemporalUnavailable } from '../../src/api/temporal/temporal-port';
import type { GenerationInput, GenerationState } from '../../src/domain/generation';
import { emulatedTaskQueue } from '../../src/domain/task-queues';
import { generationInput, generationState, picture, slotState } from '../db/states';
import { openTestApi, type TestApi } from './test-api';

let api: TestApi;
let store: GenerationStore;
let input: GenerationInput;
let url: string;

beforeAll(async () => {
  api = await openTestApi();
  store = createGenerationStore(api.database.db);
}, 90_000);

afterAll(() => api.close());

beforeEach(async () => {
  await api.database.db.deleteFrom('generations').execute();
  api.temporal.failure = undefined;
  api.temporal.state = undefined;
  api.temporal.run = { status: 'running', calls: [] };
  api.temporal.reply = { kind: 'done', result: { slots: [2, 3] } };
  api.temporal.messages.length = 0;
  api.temporal.started.length = 0;
  input = generationInput();
  url = `/v1/generations/${input.generationId}`;
  await store.accept({ input });
});

const save = (state: Partial<GenerationState>) =>
  store.saveState(generationState({ generationId: input.generationId, ...state }));
const send = (path: string, payload?: object) => api.send({ method: 'POST', url: `${url}${path}`, payload });
const workflowId = () => `studio/ava/${input.generationId}`;

describe.each([
  ['deciding about a slot', '/slots/2/decide', { decision: 'resubmit' }, 'no_decision_needed'],
  ['making the slots try again', '/retry-now', undefined, 'nothing_waits'],
])('%s', (_name, path, payload, rejection) => {
  beforeEach(() => save({ slots: [slotState(), slotState({ slot: 2, status: 'needs_decision' })] }));

  it('is told to the workflow', async () => {
    const { status, body } = await send(path, payload);

    expect(status).toBe(200);
    expect(body).toMatchObject({ id: input.generationId, links: { self: url } });
    expect(api.temporal.messages).toMatchObject([{ workflowId: workflowId() }]);
  });

  it('is 409 when the job is not in that state', async () => {
    api.temporal.reply = { kind: 'rejected' };

    expect(await send(path, payload)).toMatchObject({ status: 409, body: { code: rejection } });
  });

  it('is 503 when no worker answers, and says that it may still take effect', async () => {
    api.temporal.reply = { kind: 'unanswered' };
    const { status, headers, body } = await send(path, payload);

    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('5');
    expect(body).toMatchObject({
      code: 'no_worker_answered',
      detail: expect.stringContaining('may still take effect') as unknown,
    });
  });

  it('is 503 while Temporal is down', async () => {
    api.temporal.failure = new TemporalUnavailable('down');

    expect(await send(path, payload)).toMatchObject({ status: 503, body: { code: 'temporal_unavailable' } });
  });

  it('is 409 when the job has ended, whether the database knows it or not', async () => {
    api.temporal.reply = { kind: 'gone' };
    expect(await send(path, payload)).toMatchObject({ status: 409, body: { code: 'not_running' } });

    await save({ status: 'completed', revision: 9 });
    expect(await send(path, payload)).toMatchObject({ status: 409, body: { code: 'already_finished' } });
  });

  it.each(['0190a7a0-0000-7000-8000-00000000ffff', 'none'])('is 404 for the job %s', async (unknown) => {
    const answer = await api.send({ method: 'POST', url: `/v1/generations/${unknown}${path}`, payload });

    expect(answer).toMatchObject({ status: 404, body: { code: 'generation_not_found' } });
  });
});

describe('a decision', () => {
  beforeEach(() => save({ slots: [slotState({ status: 'needs_decision' })] }));

  it.each(['resubmit', 'give_up'])('may be %s', async (decision) => {
    expect(await send('/slots/1/decide', { decision })).toMatchObject({ body: { slot: 1, decision } });
    expect(api.temporal.messages).toEqual([{ workflowId: workflowId(), decision: { slot: 1, decision } }]);
  });

  it.each<[string, object | undefined, string]>([
    ['another word', { decision: 'wait' }, 'decision'],
    ['nothing', {}, 'decision'],
    ['another field', { decision: 'give_up', force: true }, 'force'],
  ])('is refused by name with %s', async (_name, payload, field) => {
    expect(await send('/slots/1/decide', payload)).toMatchObject({
      status: 400,
      body: { errors: [{ field }] },
    });
  });

  it('is 404 for a slot the job does not have, and 400 for one that is no number', async () => {
    const payload = { decision: 'give_up' };

    expect(await send('/slots/9/decide', payload)).toMatchObject({
      status: 404,
      body: { code: 'slot_not_found' },
    });
    expect(await send('/slots/x/decide', payload)).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'slot', message: 'is the number of a slot, from 1 on' }] },
    });
  });
});

describe('trying again now', () => {
  it('names the slots that do', async () => {
    expect((await send('/retry-now')).body).toMatchObject({ slots: [2, 3] });
  });

  it('has providers that are down asked at once, and no others', async () => {
    const health = createProviderHealthStore(api.database.db, emulatedTaskQueue);
    const since = new Date().toISOString();
    await health.record({ provider: 'modal', state: 'down', since });
    await health.record({ provider: 'fal', state: 'up', since });
    api.temporal.probed.length = 0;

    await send('/retry-now');

    expect(api.temporal.probed).toEqual(['modal']);
    await health.record({ provider: 'modal', state: 'up', since: new Date().toISOString() });
  });

  it('is 409 when no slot waits any more', async () => {
    api.temporal.reply = { kind: 'done', result: { slots: [] } };

    expect(await send('/retry-now')).toMatchObject({ status: 409, body: { code: 'nothing_waits' } });
  });
});

describe('making one slot anew', () => {
  const ended = (slot: number) =>
    slotState({ slot, status: 'completed', asset: picture('a'), finishedAt: '2026-01-02T03:05:00.000Z' });

  beforeEach(async () => {
    const request = { ...input.flowRequest.request, seed: 7, count: 3, reuse: true, minSuccess: 3 };
    input = generationInput({
      flowRequest: { ...input.flowRequest, request } as GenerationInput['flowRequest'],
    });
    url = `/v1/generations/${input.generationId}`;
    await store.accept({ input });
    await save({ slots: [ended(1), ended(2), slotState({ slot: 3, status: 'running' })] });
  });

  it('is a new job of that slot alone, with a seed of its own and the price of one picture', async () => {
    const { status, body } = await send('/slots/2/regenerate');

    const lineage = { generationId: input.generationId, slot: 2 };
    expect(status).toBe(202);
    const [job] = api.temporal.started;
    expect(job).toMatchObject({ generationId: body['id'], lineage });
    expect(job?.flowRequest.request).toMatchObject({ prompt: 'at the beach', count: 3, reuse: false });
    expect(job?.flowRequest.request.seed).not.toBe(7);
    expect(job?.plan.slots).toMatchObject([{ slot: 2, seed: job?.flowRequest.request.seed }]);
    expect(job?.reservedUsd).toBeGreaterThan(0);
    expect(job?.reservedUsd).toBeLessThan(0.1);
    const { body: generation } = await api.send({ url: `/v1/generations/${String(body['id'])}` });
    expect(generation).toMatchObject({ lineage, slots: [{ slot: 2, status: 'pending' }] });
  });

  it('takes a seed and a limit, and no body at all', async () => {
    const payload = { seed: 99, maxCostUsd: 0.5 };
    expect((await send('/slots/1/regenerate', payload)).status).toBe(202);

    expect(api.temporal.started[0]?.flowRequest.request).toMatchObject(payload);
    const headers = { 'content-type': 'application/json' };
    const empty = await api.send({ method: 'POST', url: `${url}/slots/1/regenerate`, headers });
    expect(empty.status).toBe(202);
  });

  it('is one job for one Idempotency-Key, and another slot is another request', async () => {
    const headers = { 'idempotency-key': 'again' };
    const regenerate = (slot: number) =>
      api.send({ method: 'POST', url: `${url}/slots/${slot}/regenerate`, headers, payload: {} });
    const [first, second, other] = [await regenerate(1), await regenerate(1), await regenerate(2)];

    expect([first.status, second.status, other.status]).toEqual([202, 200, 409]);
    expect(second.body['id']).toBe(first.body['id']);
  });

  it('is 409 while the slot may still give its picture', async () => {
    expect(await send('/slots/3/regenerate')).toMatchObject({
      status: 409,
      body: { code: 'slot_unfinished', errors: [{ field: 'slot' }] },
    });
    expect(api.temporal.started).toEqual([]);
  });

  it('is 404 for a slot the job does not have', async () => {
    expect(await send('/slots/4/regenerate')).toMatchObject({
      status: 404,
      body: { code: 'slot_not_found' },
    });
  });

  it('is 409 before the job is planned', async () => {
    input = generationInput();
    url = `/v1/generations/${input.generationId}`;
    await store.accept({ input });

    expect(await send('/slots/1/regenerate')).toMatchObject({
      status: 409,
      body: { code: 'slot_unfinished' },
    });
  });

  it('is 422 for a limit below its price, naming the field', async () => {
    expect(await send('/slots/1/regenerate', { maxCostUsd: 0.001 })).toMatchObject({
      status: 422,
      body: { errors: [{ field: 'maxCostUsd' }] },
    });
  });

  it.each([
    [{ seed: -1 }, 'seed'],
    [{ prompt: 'other' }, 'prompt'],
  ])('refuses %j', async (payload, field) => {
    expect(await send('/slots/1/regenerate', payload)).toMatchObject({
      status: 400,
      body: { errors: [{ field }] },
    });
  });
});
