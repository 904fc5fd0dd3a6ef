import { toProviderError, type CallState } from '../../../src/providers/call-failure';
import { DeadlineExceeded } from '../../../src/providers/deadlines';
import { MediaError, ProviderError } from '../../../src/providers/errors';
import { TransportError } from '../../../src/providers/transport-error';

function stateAt(stage: CallState['stage'], resumable = false): CallState {
  return { provider: 'modal', stage, resumable, blankIs: 'corrupt', providerRequestId: 'fc-1' };
}

describe('toProviderError', () => {
  it('passes a ProviderError on as it is', () => {
    const options = { provider: 'fal', failureClass: 'input', code: 'x', certainty: 'not_sent' } as const;
    const error = new ProviderError('refused', options);
    expect(toProviderError(error, stateAt('accepted'))).toBe(error);
  });

  it('keeps the request id, and the way back to the job, on every failure', () => {
    for (const error of [
      new TransportError('reply', undefined),
      new DeadlineExceeded('total', 5),
      new Error('disk full'),
    ]) {
      const known = { providerRequestId: 'fc-1', resumable: true, certainty: 'accepted' };
      expect(toProviderError(error, stateAt('accepted', true))).toMatchObject(known);
    }
  });

  it.each([
    ['preparing', 'not_sent'],
    ['submitting', 'unknown'],
    ['accepted', 'accepted'],
  ] as const)('takes an error of our own while %s for transient, a paid job being %s', (stage, certainty) => {
    const error = toProviderError(new Error('ENOSPC: no space left on /srv/assets'), stateAt(stage));
    expect(error).toMatchObject({ failureClass: 'transient', code: 'internal_error', certainty });
    expect(error.message).not.toContain('/srv');
  });

  it('reads what a picture was rejected for', () => {
    const error = toProviderError(new MediaError('truncated', 'half'), stateAt('accepted', true));
    expect(error).toMatchObject({ failureClass: 'corrupt', code: 'media_truncated', resumable: true });
  });
});
