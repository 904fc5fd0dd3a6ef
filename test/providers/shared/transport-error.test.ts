import { DeadlineExceeded } from '../../../src/providers/deadlines';
import { classifyTransportError, TransportError } from '../../../src/providers/transport-error';

describe('classifyTransportError', () => {
  const lost = new TransportError(
    'reply',
    Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }),
  );

  it.each([
    ['preparing', 'not_sent'],
    ['submitting', 'unknown'],
    ['accepted', 'accepted'],
  ] as const)('says of a connection lost while %s that a paid job is %s', (stage, certainty) => {
    expect(classifyTransportError(lost, stage)).toMatchObject({ failureClass: 'transient', certainty });
    const late = new DeadlineExceeded('first_byte', 150);
    const expected = { failureClass: 'transient', code: 'deadline_exceeded', certainty };
    expect(classifyTransportError(late, stage)).toMatchObject(expected);
  });

  it.each(['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_TLS_CERT_ALTNAME_INVALID', 'EPROTO'])(
    'knows %s as a TLS failure',
    (code) => {
      const error = new TransportError('connect', Object.assign(new Error('tls'), { code }));
      expect(classifyTransportError(error, 'submitting')).toMatchObject({
        failureClass: 'outage',
        code: 'tls_failed',
      });
    },
  );

  it('leaves other errors alone', () => {
    expect(classifyTransportError(new TypeError('a defect'), 'accepted')).toBeUndefined();
  });
});
