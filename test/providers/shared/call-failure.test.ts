import { runVerb, toProviderError, type CallState } from '../../../src/providers/call-failure';
import { DeadlineExceeded } from '../../../src/providers/http/deadlines';
import { AssetNotFound, MediaError } from '../../../src/domain/media';
import { ProviderError } from '../../../src/providers/errors';
import { TransportError } from '../../../src/providers/http/transport-error';

function stateAt(stage: CallState['stage']): CallState {
  return { provider: 'modal', stage, blankIs: 'corrupt', providerRequestId: 'fc-1' };
}

describe('toProviderError', () => {
  it('passes a ProviderError on as it is', () => {
    const options = { provider: 'fal', code: 'input_rejected', outcome: 'nothing_sent' } as const;
    const error = new ProviderError('refused', options);
    expect(toProviderError(error, stateAt('accepted'))).toBe(error);
  });

  it('takes an input that is gone for a failure no other provider can help with', () => {
    expect(toProviderError(new AssetNotFound('f'.repeat(64)), stateAt('preparing'))).toMatchObject({
      ...{ failureClass: 'input', code: 'input_asset_missing', outcome: 'nothing_sent' },
    });
  });

  it('keeps the request id on every failure, and leaves the job open', () => {
    for (const error of [
      new TransportError('reply', undefined),
      new DeadlineExceeded('total', 5),
      new Error('disk full'),
    ]) {
      const known = { providerRequestId: 'fc-1', endsJob: false, certainty: 'accepted' };
      expect(toProviderError(error, stateAt('accepted'))).toMatchObject(known);
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
    const error = toProviderError(new MediaError('truncated', 'half'), stateAt('accepted'));
    expect(error).toMatchObject({ failureClass: 'corrupt', code: 'media_truncated', endsJob: false });
  });
});

describe('runVerb', () => {
  const { signal } = new AbortController();

  it('gives what the verb gives, and one kind of error for whatever breaks it', async () => {
    expect(await runVerb(signal, stateAt('accepted'), () => Promise.resolve(1))).toBe(1);
    const broken = runVerb(signal, stateAt('submitting'), () =>
      Promise.reject(new TransportError('reply', undefined)),
    );
    await expect(broken).rejects.toMatchObject({ code: 'connection_lost', certainty: 'unknown' });
  });

  it("rejects with the signal's own reason after an abort", async () => {
    const reason = new Error('nobody wants it');
    const broken = runVerb(AbortSignal.abort(reason), stateAt('accepted'), () =>
      Promise.reject(new TransportError('reply', undefined)),
    );
    await expect(broken).rejects.toBe(reason);
  });
});
