import { ActivityFailure, TimeoutFailure, TimeoutType, RetryState } from '@temporalio/common';
import type { DispatchNote, DispatchState } from '../../src/domain/dispatch';
import type { PlannedCandidate } from '../../src/domain/plan';
import { outcomeOf } from '../../src/workflows/slot/media-call';

const candidate = { provider: 'modal', endpoint: '/flux-dev' } as PlannedCandidate;
const startedAt = '2026-11-22T10:00:00.000Z';
const intent: DispatchState = { phase: 'intent' };
const none: DispatchState = { phase: 'none' };

function noteOf(note: Partial<DispatchNote>): DispatchNote {
  return { attempt: 1, startedAt, dispatch: intent, trail: [], ...note };
}

async function timedOut(previous: DispatchState, note: DispatchNote | undefined) {
  const timeout = new TimeoutFailure('heartbeat', note, TimeoutType.HEARTBEAT);
  const failure = new ActivityFailure(
    'failed',
    'generateMedia',
    '1',
    RetryState.NON_RETRYABLE_FAILURE,
    undefined,
    timeout,
  );
  return await outcomeOf(Promise.reject(failure), { candidate, jobKey: 'g/slot-1/m', previous, startedAt });
}

describe('a call whose worker fell silent', () => {
  it.each<[string, DispatchState, DispatchNote | undefined, string, string]>([
    [
      'before it sent anything',
      none,
      noteOf({ dispatch: none, hasSubmitted: false }),
      'not_sent',
      'nothing_sent',
    ],
    ['around its own submit', none, noteOf({ hasSubmitted: true }), 'unknown', 'nobody_knows'],
    [
      'while it looked for an earlier submit',
      intent,
      noteOf({ hasSubmitted: false }),
      'not_sent',
      'nobody_knows',
    ],
    ['before it could say anything', intent, undefined, 'not_sent', 'nobody_knows'],
    [
      'around a submit of its own after such a look',
      intent,
      noteOf({ hasSubmitted: true }),
      'unknown',
      'nobody_knows',
    ],
    ['and whose note is of an older version', intent, noteOf({}), 'unknown', 'nobody_knows'],
  ])('%s', async (_when, previous, note, ofTheAttempt, ofTheJob) => {
    const { outcome, trail } = await timedOut(previous, note);

    expect(outcome).toMatchObject({ kind: 'failed', word: ofTheJob });
    expect(trail).toMatchObject([{ errorCode: 'activity_timed_out', certainty: ofTheAttempt }]);
  });

  it('with a job at the provider leaves the name by which a person finds it there', async () => {
    const dispatch = {
      phase: 'accepted',
      handle: { call: 1 },
      providerRequestId: 'call-1',
      byKey: true,
    } as const;

    const { trail } = await timedOut(none, noteOf({ dispatch }));

    expect(trail).toMatchObject([{ certainty: 'accepted', providerRequestId: 'call-1', byKey: true }]);
  });
});
