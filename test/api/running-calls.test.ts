import { defaultPayloadConverter } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { runningCalls } from '../../src/api/generations/running-calls';

const { PendingActivityState } = temporal.api.enums.v1;
type Pending = Parameters<typeof runningCalls>[0][number];

function pending(fields: Partial<Pending> = {}): Pending {
  return {
    activityId: 'slot-3-1',
    state: PendingActivityState.PENDING_ACTIVITY_STATE_STARTED,
    attempt: 2,
    lastStartedTime: { seconds: 1_767_323_045 as never, nanos: 678_000_000 },
    ...fields,
  };
}

function heartbeat(note: unknown): Pending {
  return pending({ heartbeatDetails: { payloads: [defaultPayloadConverter.toPayload(note)] } });
}

describe('runningCalls', () => {
  it('tells which slot is at which attempt since when', () => {
    expect(runningCalls([pending()])).toEqual([
      { slot: 3, attempt: 2, since: '2026-01-02T03:04:05.678Z', lastError: undefined, progress: undefined },
    ]);
  });

  it('leaves out activities that are no provider calls', () => {
    expect(runningCalls([pending({ activityId: '1' }), pending({ activityId: 'slot-x-1' })])).toEqual([]);
  });

  it('knows no start of a call that waits for its next try', () => {
    expect(
      runningCalls([pending({ state: PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED })]),
    ).toMatchObject([{ since: undefined }]);
  });

  it('reads how far the call is from its heartbeat', () => {
    const progress = { phase: 'running', fraction: 0.5, silentSince: '2026-01-02T03:04:05.678Z' };

    expect(runningCalls([heartbeat({ attempt: 1, dispatch: { phase: 'none' }, progress })])).toMatchObject([
      { progress },
    ]);
  });

  it.each([[null], ['text'], [{ progress: { phase: 'dancing' } }], [{}]])(
    'survives the heartbeat %j',
    (note) => {
      expect(runningCalls([heartbeat(note)])).toMatchObject([{ progress: undefined }]);
    },
  );

  it('repeats what a provider error says, and nothing that was not written for callers', () => {
    const outage = { message: 'modal did not answer', applicationFailureInfo: { type: 'outage' } };
    const defect = { message: 'Cannot read /home/x', applicationFailureInfo: { type: 'TypeError' } };
    const silence = { message: 'activity Heartbeat timeout', timeoutFailureInfo: {} };

    const calls = runningCalls([outage, defect, silence].map((lastFailure) => pending({ lastFailure })));

    expect(calls.map(({ lastError }) => lastError)).toEqual([
      'modal did not answer',
      'The call failed.',
      'The worker fell silent.',
    ]);
  });
});
