import { earlierRuns, type AskableRuns } from '../../src/domain/earlier-runs';
import type { AttemptRecord } from '../../src/domain/attempt-record';
import { forgottenJobs, stillForgotten } from '../../src/domain/forgotten';
import { attempt, generationState, slotState } from '../db/states';

describe('the runs before a reset', () => {
  /** A workflow with these runs; the state of each is labelled by its id. */
  function workflow(runs: Record<string, string>): AskableRuns & { queries: string[] } {
    const queries: string[] = [];
    return {
      queries,
      async *list({ query }) {
        queries.push(query);
        for (const [runId, name] of Object.entries(runs))
          yield await Promise.resolve({ runId, status: { name } });
      },
      getHandle: (_workflowId, runId) => ({
        query: <Answer>() =>
          runId === 'silent'
            ? Promise.reject(new Error('no worker answered'))
            : Promise.resolve(generationState({ generationId: runId }) as Answer),
      }),
    };
  }

  it('are those that the present one does not go on from, and that did not rest themselves', async () => {
    const runs = { 'r-1': 'CONTINUED_AS_NEW', 'r-2': 'TERMINATED', 'r-3': 'COMPLETED', 'r-4': 'RUNNING' };
    const asked = workflow(runs);

    const { states, isComplete } = await earlierRuns(asked, 'studio/a "b"/c', ['r-4']);

    expect(asked.queries).toEqual(['WorkflowId = "studio/a \\"b\\"/c"']);
    expect([states, isComplete]).toMatchObject([[{ generationId: 'r-2' }, { generationId: 'r-3' }], true]);
  });

  it.each([
    ['one of them gives no answer', { silent: 'TERMINATED', 'r-2': 'TERMINATED' }],
    ['none is listed', { 'r-4': 'RUNNING' }],
  ])('are not known where %s', async (_case, runs) => {
    expect(await earlierRuns(workflow(runs), 'w', ['r-4'])).toEqual({ states: [], isComplete: false });
  });
});

describe('what a reset forgets', () => {
  const startedAt = '2026-01-02T03:04:05.678Z';
  const withAttempts = (...attempts: ReturnType<typeof attempt>[]) =>
    generationState({ slots: [slotState({ attempts })] });

  it('is every attempt after the point of the reset, and what was in flight', () => {
    const kept = attempt({ costUsd: 0.01, providerRequestId: 'r-1' });
    const later = { startedAt: '2026-01-02T04:00:00.000Z', providerRequestId: 'r-2' };
    const lost = attempt({ ...later, number: 2, costUsd: undefined, atRiskUsd: 0.02 });
    const free = attempt({ startedAt: '2026-01-02T05:00:00.000Z', number: 3, costUsd: 0 });
    const submit = { slot: 1, provider: 'fal', endpoint: 'e', priceUsd: 0.03, since: startedAt } as const;
    const before = { ...withAttempts(kept, lost, free), inFlight: [submit] };
    // The same wait for a worker in both runs: nothing says that the first one sent nothing.
    const untaken = attempt({
      provider: 'fal',
      endpoint: 'e',
      startedAt,
      costUsd: undefined,
      providerRequestId: undefined,
    });

    const forgotten = forgottenJobs([before, withAttempts(kept, lost)], withAttempts(kept, untaken), []);

    expect(forgotten).toMatchObject([
      { provider: 'modal', providerRequestId: 'r-2', usd: 0.02 },
      { provider: 'fal', endpoint: 'e', usd: 0.03 },
    ]);
  });

  it('is what an attempt has come to cost since', () => {
    const [at, after] = [attempt({ costUsd: undefined, atRiskUsd: 0.01 }), attempt({ costUsd: 0.04 })].map(
      (one) => withAttempts({ ...one, providerRequestId: undefined }),
    );
    expect(forgottenJobs([after!], at!, [])).toMatchObject([{ usd: 0.03 }]);
  });

  const key = 'g/slot-1/modal-flux-dev';
  const submit = { slot: 1, provider: 'modal', endpoint: '/flux-dev', jobKey: key, priceUsd: 0.02 } as const;
  const running = { ...withAttempts(), inFlight: [{ ...submit, since: startedAt }] };
  const later = '2026-01-02T04:00:00.000Z';
  const named = { jobKey: key, byKey: true, startedAt: later } as const;

  it.each<[string, AttemptRecord, number]>([
    ['is one job with what the present run submitted by its name', attempt(named), 0],
    [
      'is that job too where nobody has said yet what became of it',
      attempt({ ...named, certainty: 'unknown', providerRequestId: undefined }),
      0,
    ],
    [
      'is another job than the present one of the same key, which goes by no name',
      attempt({ ...named, byKey: undefined }),
      1,
    ],
    ['is another job than one of another key', attempt({ ...named, jobKey: `${key}/2` }), 1],
    ['is another job than one elsewhere', attempt({ ...named, provider: 'fal' }), 1],
  ])('was in flight, and %s', (_case, present, expected) => {
    const forgotten = forgottenJobs([running], withAttempts(), []);
    expect(forgotten).toMatchObject([{ jobKey: key, usd: 0.02 }]);
    expect(stillForgotten(forgotten, withAttempts(present))).toHaveLength(expected);
  });

  it('is no other job of that key, where the provider has a name of its own for each', () => {
    const paid = attempt({ jobKey: key, providerRequestId: 'r-1' });
    const forgotten = forgottenJobs([withAttempts(paid)], withAttempts(), []);
    expect(
      stillForgotten(forgotten, withAttempts(attempt({ ...named, providerRequestId: 'r-2' }))),
    ).toHaveLength(1);
  });

  it('is told once, although a second reset asks the first run again', () => {
    const first = forgottenJobs([running], withAttempts(), []);
    const second = withAttempts(
      attempt({ startedAt: later, jobKey: key, providerRequestId: 'r-2', costUsd: 0.03 }),
    );

    expect(forgottenJobs([running, second], withAttempts(), first)).toMatchObject([
      { providerRequestId: 'r-2', usd: 0.03 },
    ]);
  });

  it('is told once where two runs had the same job, at the higher figure', () => {
    const byName = withAttempts(attempt({ ...named, costUsd: 0.03 }));
    const byRequest = withAttempts(attempt({ startedAt: '2026-01-02T05:00:00.000Z', costUsd: 0.03 }));

    expect(forgottenJobs([running, byName, byRequest], withAttempts(), [])).toEqual([
      expect.objectContaining({ startedAt: later, usd: 0.03 }),
    ]);
  });
});
