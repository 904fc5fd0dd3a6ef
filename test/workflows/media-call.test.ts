import {
  ActivityFailure,
  ApplicationFailure,
  TimeoutFailure,
  TimeoutType,
  RetryState,
} from '@temporalio/common';
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

async function endedBy(cause: Error, previous: DispatchState) {
  const failure = new ActivityFailure(
    'failed',
    'generateMedia',
    '1',
    RetryState.NON_RETRYABLE_FAILURE,
    undefined,
    cause,
  );
  return await outcomeOf(Promise.reject(failure), { candidate, jobKey: 'g/slot-1/m', previous, startedAt });
}

async function timedOut(previous: DispatchState, note: DispatchNote | undefined) {
  return await endedBy(new TimeoutFailure('heartbeat', note, TimeoutType.HEARTBEAT), previous);
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

describe('a call that a worker could not carry out, and says nothing of', () => {
  const accepted = { phase: 'accepted', handle: { call: 1 }, providerRequestId: 'call-1' } as const;
  const findable: DispatchState = { phase: 'intent', clue: { name: 'n' } };

  it.each<[string, DispatchState, DispatchState, string, string]>([
    ['keeps the way back to an accepted job', accepted, accepted, 'accepted', 'still_there'],
    ['keeps the way back to a submit that can be found', findable, findable, 'not_sent', 'nobody_knows'],
    ['leaves a doubt as it was', intent, intent, 'not_sent', 'nobody_knows'],
    ['leaves a doubt where it may have submitted', none, intent, 'unknown', 'nobody_knows'],
  ])('%s', async (_what, previous, trace, ofTheAttempt, ofTheJob) => {
    const unknown = ApplicationFailure.nonRetryable('Activity function generateMedia is not registered');

    const { outcome, trail } = await endedBy(unknown, previous);

    expect(outcome).toMatchObject({ kind: 'failed', code: 'internal_error', word: ofTheJob, trace });
    expect(trail).toMatchObject([{ errorCode: 'internal_error', certainty: ofTheAttempt }]);
  });
});
