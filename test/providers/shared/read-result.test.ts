import type { FailureCode } from '../../../src/domain/failures';
import { ProviderError } from '../../../src/providers/errors';
import { readResult } from '../../../src/providers/read-result';

/** Reads a result that fails with this code, after so many broken reads. */
async function readBroken(code: FailureCode, brokenReads: number) {
  const remembered: number[] = [];
  const options = {
    provider: 'fal',
    outcome: 'still_there',
    charge: 'price',
  } as const;
  const failure = new ProviderError('broken', { ...options, code });
  const error = await readResult(() => Promise.reject(failure), {
    brokenReads,
    remember: (count) => {
      remembered.push(count);
      return Promise.resolve();
    },
    explain: () => failure,
  }).catch((thrown: unknown) => thrown);
  return { error, remembered };
}

describe('a result that cannot be read', () => {
  it.each(['media_truncated', 'media_unavailable'] as const)(
    'ends its job when it is %s twice',
    async (code) => {
      const first = await readBroken(code, 0);
      expect(first).toMatchObject({ error: { code, endsJob: false }, remembered: [1] });
      const second = await readBroken(code, 1);
      expect(second).toMatchObject({ error: { code, endsJob: true, charge: 'price' }, remembered: [] });
    },
  );

  it.each([
    'media_empty',
    'media_not_media',
    'body_cut_off',
    'body_stalled',
    'reply_invalid',
    'bad_gateway',
  ] as const)('can be read however often it is %s', async (code) => {
    const again = await readBroken(code, 1);
    expect(again).toMatchObject({ error: { code, endsJob: false }, remembered: [] });
  });
});
