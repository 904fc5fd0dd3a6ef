import { sql } from 'kysely';
import { createGenerationStore, createProviderHealthStore, type GenerationStore } from '../../src/db';
import { baseImagesRequestSchema } from '../../src/domain/requests';
import { emulatedTaskQueue } from '../../src/domain/task-queues';
import { reconcile } from '../../src/api/generations/reconcile';
import { TemporalUnavailable } from '../../src/api/temporal/temporal-port';
import { attempt, generationState, picture, slotState } from '../db/states';
import { planOf } from '../support/flow-requests';
import { openTestApi, type TestApi } from './test-api';

let api: TestApi;
let store: GenerationStore;
const id = generationState().generationId;
const url = `/v1/generations/${id}`;

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
  api.temporal.cancelled.length = 0;
});

async function get(path = url): Promise<Record<string, unknown>> {
  return (await api.send({ url: path })).body;
}

/** A row whose start was asked for this long ago, by the clock of the database. */
async function insertAccepted(age = '1 hour'): Promise<void> {
  const { generationId, characterId, nsfw } = generationState();
  const request = baseImagesRequestSchema.parse({ characterId, prompt: 'x' });
  const flowRequest = { flow: 'base-images', request } as const;
  const plan = planOf(flowRequest);
  const input = { generationId, characterId, nsfw, caller: 'default', reservedUsd: 0.1, flowRequest, plan };
  await store.accept({ input });
  const startAskedAt = sql<string>`now() - ${age}::interval`;
  await api.database.db.updateTable('generations').set({ start_asked_at: startAskedAt }).execute();
}

/** What every API process does twice a minute. */
async function reconcileNow(): Promise<void> {
  const startAskedAt = sql<string>`least(start_asked_at, now() - interval '1 minute')`;
  await api.database.db.updateTable('generations').set({ start_asked_at: startAskedAt }).execute();
  await reconcile({ generations: store, temporal: api.temporal });
}

/** As the database has it: reading must not change that. */
async function stored(): Promise<unknown> {
  return await api.database.db.selectFrom('generations').selectAll().execute();
}

describe('reading a generation', () => {
  it('shows a finished one from the database, without asking Temporal', async () => {
    const slot = slotState({
      status: 'completed',
      provider: 'fal',
      endpoint: 'fal-ai/flux/dev',
      asset: picture('a'),
      costUsd: 0.1 + 0.2,
      attempts: [attempt()],
    });
    await store.saveState(generationState({ status: 'completed', revision: 9, costUsd: 0.3, slots: [slot] }));
    api.temporal.failure = new TemporalUnavailable('down');

    expect(await get()).toMatchObject({
      id,
      flow: 'studio',
      status: 'completed',
      live: true,
      costUsd: 0.3,
      slots: [
        {
          slot: 1,
          provider: 'fal',
          endpoint: 'fal-ai/flux/dev',
          attempts: [{ number: 1, provider: 'modal', certainty: 'accepted' }],
          identity: 'none',
          costUsd: 0.3,
          assetId: 'a'.repeat(64),
          assetUrl: `/v1/assets/${'a'.repeat(64)}`,
          mediaType: 'image/png',
          width: 64,
          height: 48,
          running: null,
        },
      ],
      links: { self: url, cancel: `${url}/cancel` },
    });
  });

  it('shows what may have been paid for nothing, what was reused, and whether engines were mixed', async () => {
    const lineage = { generationId: '0190a7a0-0000-7000-8000-000000000009', slot: 3 };
    const slots = [
      slotState({ status: 'completed', asset: picture('a'), reused: true }),
      slotState({ slot: 2, status: 'failed', atRiskUsd: 0.02, attempts: [attempt({ atRiskUsd: 0.02 })] }),
    ];
    const state = { status: 'partial', atRiskUsd: 0.02, lineage, slots } as const;
    await store.saveState(generationState({ ...state, engines: ['/flux-dev'] }));

    expect(await get()).toMatchObject({
      atRiskUsd: 0.02,
      engines: ['/flux-dev'],
      coherent: true,
      lineage,
      caller: 'default',
      slots: [
        { reused: true, atRiskUsd: 0 },
        { reused: false, atRiskUsd: 0.02, attempts: [{ atRiskUsd: 0.02 }] },
      ],
    });
    expect(await get('/v1/generations')).toMatchObject({ items: [{ atRiskUsd: 0.02 }] });
    await store.saveState(
      generationState({ ...state, revision: 2, engines: ['/flux-dev', '/sdxl-instantid'] }),
    );
    expect(await get()).toMatchObject({ coherent: false });
  });

  it('shows why a slot waits, since when, and what a person has to decide', async () => {
    const since = '2026-01-02T03:04:05.000Z';
    const waiting = { reason: 'out', since, nextTryAt: since, round: 2, watched: ['modal' as const] };
    const nextProbeAt = '2026-01-02T03:04:35.000Z';
    const health = createProviderHealthStore(api.database.db, emulatedTaskQueue);
    await health.record({ provider: 'modal', state: 'down', since, nextProbeAt });
    await health.record({ provider: 'fal', state: 'down', since, nextProbeAt: since });
    const decision = { provider: 'modal', endpoint: '/flux-dev', since, atRiskUsd: 0.02 } as const;
    api.temporal.state = generationState({
      slots: [
        slotState({ status: 'waiting', waiting }),
        slotState({ slot: 2, status: 'needs_decision', decision }),
      ],
    });
    await insertAccepted();

    expect(await get()).toMatchObject({
      slots: [
        {
          status: 'waiting',
          waiting: { ...waiting, nextProbeAt, deadlineAt: '2026-01-02T09:04:05.000Z' },
          decision: null,
        },
        { status: 'needs_decision', waiting: null, decision },
      ],
    });
  });

  it('shows a running one as its workflow sees it, with the call under way', async () => {
    await store.saveState(generationState());
    api.temporal.state = generationState({
      revision: 4,
      slots: [slotState({ status: 'running', provider: 'modal', endpoint: '/flux-dev' })],
    });
    const call = {
      slot: 1,
      attempt: 2,
      since: '2026-01-02T03:04:06.000Z',
      lastError: 'no answer',
      progress: { phase: 'queued', queuePosition: 3 } as const,
    };
    api.temporal.run = { status: 'running', calls: [call, { ...call, slot: 2 }] };

    const { attempt: tries, since, lastError, progress } = call;
    const running = { attempt: tries, since, lastError, progress };
    expect(await get()).toMatchObject({
      live: true,
      slots: [{ status: 'running', provider: 'modal', running }],
    });
  });

  it('shows no call under way for a slot that has just ended', async () => {
    await store.saveState(generationState());
    api.temporal.state = generationState({ revision: 4, slots: [slotState({ status: 'completed' })] });
    const call = { slot: 1, attempt: 1, since: undefined, lastError: undefined, progress: undefined };
    api.temporal.run = { status: 'running', calls: [call] };

    expect(await get()).toMatchObject({ slots: [{ status: 'completed', running: null }] });
  });

  it('falls back to the stored copy when no worker answers, and says so', async () => {
    await store.saveState(generationState({ slots: [slotState({ label: 'stored' })] }));

    expect(await get()).toMatchObject({ live: false, status: 'running', slots: [{ label: 'stored' }] });
  });

  it('shows the calls under way also when no worker answers', async () => {
    await store.saveState(generationState());
    const call = { slot: 1, attempt: 3, since: undefined, lastError: 'no answer', progress: undefined };
    api.temporal.run = { status: 'running', calls: [call] };

    expect(await get()).toMatchObject({
      live: false,
      slots: [{ running: { attempt: 3, lastError: 'no answer' } }],
    });
  });

  it('falls back to the stored copy while Temporal is down', async () => {
    await store.saveState(generationState());
    api.temporal.failure = new TemporalUnavailable('down');

    expect(await get()).toMatchObject({ live: false, status: 'running' });
  });

  it('never shows an older state than the stored one', async () => {
    await store.saveState(generationState({ revision: 8, slots: [slotState({ label: 'newer' })] }));
    api.temporal.state = generationState({ revision: 3 });

    expect(await get()).toMatchObject({ slots: [{ label: 'newer' }] });
  });

  it('shows a result that the workflow could not store itself, which is stored soon after', async () => {
    await store.saveState(generationState());
    api.temporal.state = generationState({ status: 'completed', revision: 12 });
    const before = await stored();

    expect(await get()).toMatchObject({ status: 'completed', live: true });
    expect(await stored()).toEqual(before);
    await reconcileNow();
    expect((await store.findOfAnyone(id))?.status).toBe('completed');
  });

  it.each(['0190a7a0-0000-7000-8000-00000000ffff', 'no-id-at-all', '%00'])(
    'knows nothing of %s',
    async (unknown) => {
      const { status, body } = await api.send({ url: `/v1/generations/${unknown}` });

      expect(status).toBe(404);
      expect(body['code']).toBe('generation_not_found');
    },
  );
});

describe('a generation whose workflow is not there', () => {
  beforeEach(() => {
    api.temporal.run = undefined;
  });

  it('is accepted while its start may be under way', async () => {
    await insertAccepted('1 second');

    expect(await get()).toMatchObject({ status: 'accepted', error: null });
  });

  it('is accepted also where the clock of this process is far ahead of the database', async () => {
    await insertAccepted('1 second');
    jest.useFakeTimers({
      now: Date.now() + 3_600_000,
      doNotFake: [
        'nextTick',
        'setImmediate',
        'setTimeout',
        'clearTimeout',
        'setInterval',
        'clearInterval',
        'queueMicrotask',
        'performance',
        'hrtime',
      ],
    });
    try {
      expect(await get()).toMatchObject({ status: 'accepted', error: null });
    } finally {
      jest.useRealTimers();
    }
  });

  it('failed without being paid when it never started', async () => {
    await insertAccepted();

    const before = await stored();
    expect(await get()).toMatchObject({ status: 'failed', error: { code: 'not_started' } });
    expect(await stored()).toEqual(before);
    await reconcileNow();
    expect(await store.findOfAnyone(id)).toMatchObject({ status: 'failed', error: { code: 'not_started' } });
  });

  it('failed with all that was set aside at risk when Temporal may have known it and forgotten it', async () => {
    await insertAccepted('2 days');

    expect(await get()).toMatchObject({
      status: 'failed',
      error: { code: 'workflow_missing' },
      atRiskUsd: 0.1,
      notices: [{ code: 'history_lost', atRiskUsd: 0.1 }],
    });
  });

  it('failed with what was set aside and is in no attempt at risk, once, and no longer when it is found', async () => {
    await insertAccepted();
    await store.saveState(generationState({ costUsd: 0.03, atRiskUsd: 0.01 }));
    const spend = () => api.send({ url: '/v1/spend' });

    const lost = { status: 'failed', costUsd: 0.03, atRiskUsd: 0.07, notices: [{ atRiskUsd: 0.06 }] };
    expect(await get()).toMatchObject(lost);
    await reconcileNow();
    await reconcileNow();
    expect(await get()).toMatchObject(lost);
    expect((await spend()).body).toMatchObject({ usedUsd: 0.1, atRiskUsd: 0.07, reservedUsd: 0 });

    await store.saveState(generationState({ revision: 2, costUsd: 0.03, atRiskUsd: 0.01 }));
    api.temporal.run = { status: 'running', calls: [] };
    expect(await get()).toMatchObject({ status: 'running', atRiskUsd: 0.01, notices: [] });
  });

  it('failed when Temporal has lost it, and keeps what was finished', async () => {
    await store.saveState(
      generationState({
        slots: [
          slotState({ status: 'completed', asset: picture('a') }),
          slotState({ slot: 2, status: 'waiting' }),
        ],
      }),
    );

    expect(await get()).toMatchObject({
      status: 'failed',
      error: { code: 'workflow_missing' },
      slots: [{ status: 'completed' }, { status: 'failed', error: { code: 'workflow_missing' } }],
    });
  });
});

describe('a workflow that was ended from outside', () => {
  it('has what was in flight at risk, at the slot it was for', async () => {
    // All that the workflow itself had to say.
    await store.saveState(generationState({ revision: 5 }));
    const submit = { slot: 2, provider: 'fal', endpoint: 'e', priceUsd: 0.04 } as const;
    const slots = [
      slotState({ status: 'completed', costUsd: 0.01 }),
      slotState({ slot: 2, status: 'running' }),
    ];
    const inFlight = [{ ...submit, since: '2026-01-02T03:04:05.000Z' }];
    api.temporal.state = generationState({ revision: 5, slots, inFlight });
    api.temporal.run = { status: 'terminated', calls: [] };

    const booked = await get();

    expect(booked).toMatchObject({
      costUsd: 0.01,
      atRiskUsd: 0.04,
      slots: [
        { status: 'completed', attempts: [] },
        { status: 'failed', attempts: [{ atRiskUsd: 0.04 }] },
      ],
    });
    await reconcileNow();
    const stored = await get();
    const ends = { finishedAt: expect.any(String) as unknown };
    expect(stored).toMatchObject({
      ...booked,
      ...ends,
      slots: [{ status: 'completed' }, { status: 'failed' }],
    });
    expect(stored['slots']).toMatchObject([{ attempts: [] }, { attempts: [{ atRiskUsd: 0.04 }] }]);
  });

  it.each([
    ['terminated', 'failed', 'workflow_terminated'],
    ['failed', 'failed', 'workflow_failed'],
    ['timed_out', 'failed', 'workflow_timed_out'],
    ['cancelled', 'cancelled', 'cancelled'],
  ] as const)('is reported as such when %s', async (run, status, code) => {
    await store.saveState(generationState());
    api.temporal.state = generationState({
      revision: 5,
      slots: [slotState({ status: 'running' }), slotState({ slot: 2 })],
    });
    api.temporal.run = { status: run, calls: [] };

    expect(await get()).toMatchObject({ status, error: { code }, slots: [{ status }, { status }] });
    await reconcileNow();
    expect(await store.findOfAnyone(id)).toMatchObject({
      status,
      error: { code },
      slots: [{ status }, { status }],
    });
  });
});

describe('a workflow that was reset', () => {
  it('is shown as the present run sees it, however little that has done', async () => {
    await store.saveState(generationState({ revision: 8, runs: ['run-1'] }));
    const state = generationState({ revision: 3, slots: [slotState({ label: 'again' })] });
    api.temporal.state = { ...state, runs: ['run-2'] };

    expect(await get()).toMatchObject({ live: true, slots: [{ label: 'again' }] });
  });

  it('says what it forgot also where its end has to be stored for it', async () => {
    const runs = ['run-1'];
    const before = generationState({ revision: 8, runs, slots: [slotState({ attempts: [attempt()] })] });
    await store.saveState(before);
    api.temporal.state = generationState({ status: 'completed', revision: 9, runs: ['run-2'] });
    api.temporal.earlier = { states: [before], isComplete: true };

    const notices = [{ code: 'reset', atRiskUsd: 0.012345 }];
    await reconcileNow();
    expect(await get()).toMatchObject({ status: 'completed', atRiskUsd: 0.012345, notices });
  });
});

describe('cancelling a generation', () => {
  const cancel = () => api.send({ method: 'POST', url: `${url}/cancel` });

  it('asks the workflow to stop, as often as one likes', async () => {
    await store.saveState(generationState());

    const answers = [await cancel(), await cancel()];

    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    expect(answers[0]?.body).toMatchObject({ id, status: 'cancelling', links: { self: url } });
    expect(api.temporal.cancelled).toEqual([`studio/ava/${id}`, `studio/ava/${id}`]);
  });

  it('takes an empty JSON body, as many clients send one', async () => {
    await store.saveState(generationState());
    const headers = { 'content-type': 'application/json' };

    expect((await api.send({ method: 'POST', url: `${url}/cancel`, headers })).status).toBe(202);
  });

  it('is done when it was cancelled before', async () => {
    await store.saveState(generationState({ status: 'cancelled' }));

    expect(await cancel()).toMatchObject({ status: 200, body: { status: 'cancelled' } });
  });

  it('is refused when the pictures are made and paid', async () => {
    await store.saveState(generationState({ status: 'completed' }));

    expect(await cancel()).toMatchObject({ status: 409, body: { code: 'already_finished' } });
    expect(api.temporal.cancelled).toEqual([]);
  });

  it('is refused when the job ended without having told', async () => {
    await store.saveState(generationState());
    api.temporal.run = undefined;

    expect(await cancel()).toMatchObject({ status: 409, body: { code: 'already_finished' } });
  });

  it('asks for patience while the start is under way', async () => {
    await insertAccepted('1 second');
    api.temporal.run = undefined;

    expect(await cancel()).toMatchObject({ status: 409, body: { code: 'not_started_yet' } });
  });

  it('is 503 while Temporal is down', async () => {
    await store.saveState(generationState());
    api.temporal.failure = new TemporalUnavailable('down');

    expect(await cancel()).toMatchObject({ status: 503, body: { code: 'temporal_unavailable' } });
  });

  it('is 404 for an unknown one', async () => {
    expect(await cancel()).toMatchObject({ status: 404, body: { code: 'generation_not_found' } });
  });
});

interface Page {
  items: { id: string }[];
  nextCursor: string | null;
}

describe('the list', () => {
  it('leads from page to page, newest first', async () => {
    const ids = ['1', '2', '3', '4', '5'].map((digit) => `0190a7a0-0000-7000-8000-00000000000${digit}`);
    for (const generationId of ids) await store.saveState(generationState({ generationId }));

    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = (await get(`/v1/generations?characterId=ava&limit=2${cursor}`)) as unknown as Page;
      seen.push(...page.items.map((item) => item.id));
      cursor = page.nextCursor === null ? null : `&cursor=${page.nextCursor}`;
    }

    expect(seen).toEqual(ids.toReversed());
  });

  it.each([
    ['limit=0', 'limit'],
    ['limit=many', 'limit'],
    ['limit=2&limit=3', 'limit'],
    ['cursor=nonsense', 'cursor'],
    ['cursor=WyJhIiwiYiJd', 'cursor'],
    ['characterId=..', 'characterId'],
    ['colour=red', 'colour'],
    ['status=parked', 'status'],
    ['flow=video', 'flow'],
    ['createdFrom=yesterday', 'createdFrom'],
  ])('refuses ?%s', async (query, field) => {
    const { status, body } = await api.send({ url: `/v1/generations?${query}` });

    expect(status).toBe(400);
    expect(body['errors']).toMatchObject([{ field }]);
  });
});
