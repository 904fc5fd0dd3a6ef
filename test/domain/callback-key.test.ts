import { callbackToken, jobKeyOfToken } from '../../src/domain/callback-key';

const jobKey = '0d9f1d1e-5f0c-4a53-9a54-4a7b8f6d4c11/slot-3/fal-flux-dev/2';

describe('the key of a call-back', () => {
  it('names the job, in one part of a path', () => {
    const token = callbackToken(jobKey, 'secret');
    expect(token).toMatch(/^[\w-]+\.[\w-]{22}$/);
    expect(jobKeyOfToken(token, 'secret')).toBe(jobKey);
  });

  it('can be made by nobody without the secret', () => {
    const [name = '', mark = ''] = callbackToken(jobKey, 'secret').split('.');
    const other = Buffer.from(jobKey.replace('slot-3', 'slot-4')).toString('base64url');
    const forged = [
      `${other}.${mark}`,
      `${name}.`,
      name,
      `.${mark}`,
      '',
      `${name}.${mark.slice(1)}`,
      `${name}.${mark}AA`,
    ];
    for (const token of [...forged, callbackToken(jobKey, 'another secret')])
      expect(jobKeyOfToken(token, 'secret')).toBeUndefined();
  });
});
