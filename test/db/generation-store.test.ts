import { createGenerationStore, type GenerationPage, type GenerationStore } from '../../src/db';
import type { AttemptRecord } from '../../src/domain/attempt-record';
import type { GenerationState } from '../../src/domain/generation';
import { attempt, generationInput, generationState, picture, slotState } from './states';
import { openTestDatabase, type TestDatabase } from './test-database';

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

const acceptedInput = () => generationInput({ generationId: generationState().generationId });

async function stored(id = generationState().generationId) {
  const record = await store.findOfAnyone(id);
  if (record === undefined) throw new Error(`nothing stored for ${id}`);
  return record;
}

/** What `find` tells beyond the state. */
const beyondState = {
  workflowId: `studio/ava/${generationState().generationId}`,
  caller: 'default',
  reservedUsd: 0,
  request: undefined,
  notices: [],
  forgottenUsd: 0,
  runId: undefined,
  createdAt: expect.stringMatching(/Z$/) as unknown,
  startAskedAt: expect.stringMatching(/Z$/) as unknown,
  readAt: expect.stringMatching(/Z$/) as unknown,
};

describe('an accepted generation', () => {
  it('keeps the whole request and the workflow id before anything runs', async () => {
    await store.accept({ input: acceptedInput() });

    const record = await stored();

    expect(record.status).toBe('accepted');
    expect(record.workflowId).toBe(`studio/ava/${record.generationId}`);
    expect(record.request).toEqual(JSON.parse(JSON.stringify(acceptedInput().flowRequest)));
    expect(record.slots).toMatchObject([{ slot: 1, status: 'pending', attempts: [] }]);
  });

  it('is gone after it was taken back', async () => {
    await store.accept({ input: acceptedInput() });
    await store.removeAccepted(acceptedInput().generationId);

    expect(await store.findOfAnyone(acceptedInput().generationId)).toBeUndefined();
  });

  it('is not taken back once its workflow has reported', async () => {
    await store.accept({ input: acceptedInput() });
    await store.saveState(generationState());
    await store.removeAccepted(acceptedInput().generationId);

    expect((await stored()).status).toBe('running');
  });

  it('gives way to the first report, whatever number it carries', async () => {
    await store.accept({ input: acceptedInput() });
    await store.saveState(generationState({ revision: 0 }));

    expect(await stored()).toMatchObject({ status: 'running', request: acceptedInput().flowRequest });
  });
});

describe('a reported state', () => {
  const finished: GenerationState = generationState({
    status: 'partial',
    revision: 7,
    costUsd: 0.012345,
    costEstimated: true,
    finishedAt: '2026-01-02T03:05:00.000Z',
    atRiskUsd: 0.04,
    engines: ['fal-ai/flux/dev'],
    lineage: { generationId: '0190a7a0-0000-7000-8000-000000000009', slot: 3 },
    slots: [
      slotState({
        status: 'completed',
        provider: 'fal',
        endpoint: 'fal-ai/flux/dev',
        identity: 'lora',
        asset: { ...picture('a'), perceptualHash: '01'.repeat(32) },
        reused: true,
        costUsd: 0.012345,
        costEstimated: true,
        atRiskUsd: 0.04,
        startedAt: '2026-01-02T03:04:05.000Z',
        finishedAt: '2026-01-02T03:04:59.000Z',
        attempts: [
          attempt({
            outcome: 'failed',
            errorClass: 'outage',
            errorCode: 'connection_refused',
            message: 'no answer',
            certainty: 'not_sent',
            costUsd: undefined,
            providerRequestId: undefined,
          }),
          attempt({ number: 2, provider: 'fal', endpoint: 'fal-ai/flux/dev', atRiskUsd: 0.04 }),
        ],
        considered: [
          {
            modelId: 'modal-flux-dev',
            provider: 'modal',
            endpoint: '/flux-dev',
            eligible: true,
            reason: 'first',
            identity: 'lora',
            priceUsd: 0.01,
            typicalSeconds: 13,
          },
        ],
      }),
      slotState({
        slot: 2,
        status: 'failed',
        error: { code: 'deadline_exceeded', message: 'nobody answered in time' },
      }),
    ],
  });

  it('is read back exactly as it was written, also without an accepted row', async () => {
    await store.saveState(finished);

    expect(await stored()).toEqual({ ...finished, ...beyondState });
  });

  it('may be written twice', async () => {
    await store.saveState(finished);
    await store.saveState(finished);

    expect(await stored()).toEqual({ ...finished, ...beyondState });
  });

  it('is never replaced by an older one that arrives late', async () => {
    await store.saveState(finished);
    await store.saveState(generationState({ revision: 3 }));

    expect(await stored()).toEqual({ ...finished, ...beyondState });
  });

  it('ends as the newest when many are written at once', async () => {
    const revisions = [4, 1, 7, 2, 6, 3, 5];
    await Promise.all(
      revisions.map((revision) =>
        store.saveState(
          generationState({
            revision,
            slots: [
              slotState({ label: `revision ${revision}`, asset: picture('b') }),
              slotState({ slot: 2, asset: picture('a') }),
            ],
          }),
        ),
      ),
    );

    expect(await stored()).toMatchObject({ revision: 7, slots: [{ label: 'revision 7' }, {}] });
  });

  it('shows why a slot waits, and no longer when it does not', async () => {
    const waiting = {
      reason: 'all out',
      since: '2026-01-02T03:04:05.000Z',
      nextTryAt: '2026-01-02T03:05:05.000Z',
      round: 2,
      watched: ['modal' as const],
    };
    await store.saveState(
      generationState({ revision: 2, slots: [slotState({ status: 'waiting', waiting })] }),
    );
    expect((await stored()).slots[0]?.waiting).toEqual(waiting);

    await store.saveState(generationState({ revision: 3, slots: [slotState({ status: 'running' })] }));
    expect((await stored()).slots[0]?.waiting).toBeUndefined();
  });

  it('shows what a person has to decide, and no longer when it is decided', async () => {
    const decision = {
      provider: 'modal' as const,
      endpoint: '/flux-dev',
      since: '2026-01-02T03:04:05.000Z',
      atRiskUsd: 0.02,
    };
    await store.saveState(
      generationState({ revision: 2, slots: [slotState({ status: 'needs_decision', decision })] }),
    );
    expect((await stored()).slots).toMatchObject([{ status: 'needs_decision', decision }]);

    await store.saveState(generationState({ revision: 3, slots: [slotState({ status: 'running' })] }));
    expect((await stored()).slots[0]?.decision).toBeUndefined();
  });

  it('keeps the caller and the money set aside that only the API knew', async () => {
    await store.accept({ input: { ...acceptedInput(), caller: 'app', reservedUsd: 0.5 } });
    await store.saveState(generationState());

    expect(await stored()).toMatchObject({ caller: 'app', reservedUsd: 0.5 });
  });

  it('survives a character that was never registered here', async () => {
    await store.saveState(generationState({ characterId: 'nobody' }));

    expect((await stored()).characterId).toBe('nobody');
  });
});

describe('a state of another run', () => {
  const paid = (fields: Partial<AttemptRecord> = {}) => attempt({ jobKey: 'k-1', ...fields });
  const slotWith = (...attempts: AttemptRecord[]) => slotState({ status: 'completed', attempts });
  /** All that the run before had made and paid. */
  const before = generationState({
    revision: 7,
    runs: ['run-1'],
    status: 'completed',
    costUsd: 0.03,
    slots: [
      slotWith(paid({ costUsd: 0.01 })),
      { ...slotWith(paid({ costUsd: 0.02, providerRequestId: 'r-2' })), slot: 2 },
    ],
  });
  const askedFor: string[][] = [];
  const knows =
    (states: GenerationState[], isComplete = true) =>
    ({ runs = [] }: GenerationState) => {
      askedFor.push(runs);
      return Promise.resolve({ states, isComplete });
    };

  beforeEach(() => {
    askedFor.length = 0;
  });

  it('that rested and went on is no reset', async () => {
    await store.saveState(before);
    await store.saveState({ ...before, revision: 8, runs: ['run-1', 'run-2'] }, knows([]));

    expect(askedFor).toEqual([]);
    expect(await stored()).toMatchObject({ runId: 'run-2', notices: [], forgottenUsd: 0 });
  });

  it('replaces what a run before a reset wrote, and keeps what that paid as at risk', async () => {
    await store.accept({ input: { ...acceptedInput(), reservedUsd: 0.5 } });
    await store.saveState(before);
    const after = generationState({
      revision: 8,
      runs: ['run-2'],
      costUsd: 0.01,
      slots: [slotWith(paid({ costUsd: 0.01 }))],
    });
    await store.saveState(after, knows([before]));

    expect(askedFor).toEqual([['run-2']]);
    const record = await stored();
    expect(record).toMatchObject({ status: 'running', runId: 'run-2', costUsd: 0.01, forgottenUsd: 0.02 });
    expect(record.slots).toHaveLength(1);
    expect(record.notices).toMatchObject([
      { code: 'reset', atRiskUsd: 0.02, jobs: [{ slot: 2, providerRequestId: 'r-2', usd: 0.02 }] },
    ]);
    expect(await store.list({ caller: 'default', limit: 1 })).toMatchObject([{ atRiskUsd: 0.02 }]);

    await store.saveState({ ...before, revision: 7.5 });
    expect(await stored()).toEqual({ ...record, readAt: expect.any(String) as unknown });
  });

  it('takes a job off the notice once its provider has given it to the new run as well', async () => {
    await store.saveState(before);
    const after = generationState({ revision: 8, runs: ['run-2'], slots: [] });
    expect(await store.saveState(after, knows([before]))).toEqual({ forgottenUsd: 0.03 });
    const again = {
      ...slotWith(paid({ startedAt: '2026-01-03T00:00:00.000Z', providerRequestId: 'r-2' })),
      slot: 2,
    };

    expect(await store.saveState({ ...after, revision: 9, slots: [again] })).toEqual({ forgottenUsd: 0.01 });
    expect((await stored()).notices).toMatchObject([{ atRiskUsd: 0.01, jobs: [{ slot: 1 }] }]);
  });

  it('has what the first run paid at risk once, also after a second reset', async () => {
    await store.saveState(before);
    const second = generationState({
      revision: 8,
      runs: ['run-2'],
      slots: [
        slotWith(paid({ startedAt: '2026-01-03T00:00:00.000Z', providerRequestId: 'r-3', costUsd: 0.04 })),
      ],
    });
    expect(await store.saveState(second, knows([before]))).toEqual({ forgottenUsd: 0.03 });
    const third = generationState({ revision: 9, runs: ['run-3'] });
    expect(await store.saveState(third, knows([before, second]))).toEqual({ forgottenUsd: 0.07 });

    expect((await stored()).notices).toMatchObject([
      { atRiskUsd: 0.03, jobs: [{}, {}] },
      { atRiskUsd: 0.04, jobs: [{ providerRequestId: 'r-3' }] },
    ]);
  });

  it('puts at risk all that was set aside where nobody knows how far a running one was', async () => {
    await store.accept({ input: { ...acceptedInput(), reservedUsd: 0.5 } });
    await store.saveState({ ...before, status: 'running' });
    await store.saveState(generationState({ revision: 8, runs: ['run-2'] }));

    expect(await stored()).toMatchObject({ forgottenUsd: 0.5, notices: [{ code: 'reset', atRiskUsd: 0.5 }] });
  });
});

describe('a generation whose workflow is gone', () => {
  const end = { status: 'failed', error: { code: 'workflow_missing', message: 'gone' } } as const;

  it('ends with its unfinished slots, and keeps the finished ones', async () => {
    await store.saveState(
      generationState({
        slots: [
          slotState({ status: 'completed', asset: picture('c') }),
          slotState({ slot: 2, status: 'running' }),
          slotState({ slot: 3, status: 'needs_decision' }),
        ],
      }),
    );
    await store.endUnfinished(await stored(), end);

    expect(await stored()).toMatchObject({
      status: 'failed',
      error: end.error,
      slots: [
        { status: 'completed' },
        { status: 'failed', error: end.error },
        { status: 'failed', error: end.error },
      ],
    });
  });

  it('is left alone when its start was asked for again in the meantime', async () => {
    const key = { key: 'k', requestHash: 'h' };
    await store.accept({ input: acceptedInput(), idempotency: key });
    await database.db
      .updateTable('generations')
      .set({ start_asked_at: '2026-01-02T03:04:05.000Z' })
      .execute();
    const seen = await stored();
    await store.findRepeat('default', key);
    await store.endUnfinished(seen, end);

    expect((await stored()).status).toBe('accepted');
  });

  it('is left alone when the workflow has reported in the meantime', async () => {
    await store.saveState(generationState());
    const seen = await stored();
    await store.saveState(generationState({ revision: 2 }));
    await store.endUnfinished(seen, end);

    expect((await stored()).status).toBe('running');
  });

  it('comes back to life when its report was only late', async () => {
    await store.accept({ input: acceptedInput() });
    await store.endUnfinished(await stored(), end);
    await store.saveState(generationState());

    expect(await stored()).toMatchObject({ status: 'running', error: undefined, finishedAt: undefined });
  });
});

describe('the list of generations', () => {
  it('pages through a character newest first, each exactly once', async () => {
    const ids = Array.from({ length: 5 }, (_, index) => `generation-${index}`);
    for (const generationId of ids) await store.saveState(generationState({ generationId }));
    await store.saveState(generationState({ generationId: 'other', characterId: 'eve' }));

    const first = await store.list({ caller: 'default', characterId: 'ava', limit: 3 });
    const last = first.at(-1);
    const second = await store.list({ caller: 'default', characterId: 'ava', limit: 3, after: last });

    expect([...first, ...second].map((item) => item.generationId)).toEqual(ids.toReversed());
    expect(await store.list({ caller: 'default', limit: 10 })).toHaveLength(6);
  });

  it.each<[string, Omit<GenerationPage, 'caller' | 'limit'>, string[]]>([
    ['a flow', { flow: 'base-images' }, ['base']],
    ['how it ended', { status: 'completed' }, ['done']],
    ['all that runs', { status: 'running' }, ['base', 'asks', 'waits']],
    ['what a slot waits for', { status: 'waiting' }, ['waits']],
    ['what a person must decide', { status: 'needs_decision' }, ['asks']],
    ['a time that is over', { createdBefore: '2026-01-01T00:00:00Z' }, ['old']],
    ['a time from', { createdFrom: '2026-01-01T00:00:00Z', status: 'completed' }, ['done']],
    ['several of these', { status: 'running', flow: 'studio' }, ['asks', 'waits']],
  ])('is narrowed to %s', async (_name, filter, expected) => {
    const studio = { flow: 'studio', status: 'running' } as const;
    const slots = (status: 'waiting' | 'needs_decision') => [slotState({ status }), slotState({ slot: 2 })];
    const states = [
      generationState({ ...studio, generationId: 'old', status: 'failed', slots: slots('waiting') }),
      generationState({ ...studio, generationId: 'waits', slots: slots('waiting') }),
      generationState({ ...studio, generationId: 'asks', slots: slots('needs_decision') }),
      generationState({ ...studio, generationId: 'done', status: 'completed' }),
      generationState({ ...studio, generationId: 'base', flow: 'base-images' }),
    ];
    for (const state of states) await store.saveState(state);
    const old = database.db.updateTable('generations').where('id', '=', 'old');
    await old.set({ created_at: '2025-12-31T23:59:59Z' }).execute();

    const page = await store.list({ caller: 'default', limit: 10, ...filter });

    expect(page.map((item) => item.generationId)).toEqual(expected);
  });

  it('counts the slots by status', async () => {
    await store.saveState(
      generationState({
        slots: [slotState(), slotState({ slot: 2 }), slotState({ slot: 3, status: 'completed' })],
      }),
    );

    expect(await store.list({ caller: 'default', limit: 1 })).toMatchObject([
      { slots: { pending: 2, completed: 1 } },
    ]);
  });
});
