import { DeadlineExceeded } from '../../../src/providers/http/deadlines';
import { classifyTransportError, TransportError } from '../../../src/providers/http/transport-error';

describe('classifyTransportError', () => {
  const lost = new TransportError(
    'reply',
    Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }),
  );

  it.each([
    ['preparing', 'nothing_sent'],
    ['submitting', 'nobody_knows'],
    ['accepted', 'unreachable'],
  ] as const)('says of a connection lost while %s that a paid job is %s', (stage, outcome) => {
    expect(classifyTransportError(lost, stage)).toMatchObject({ code: 'connection_lost', outcome });
    const silent = new DeadlineExceeded('first_byte', 150);
    expect(classifyTransportError(silent, stage)).toMatchObject({ code: 'no_answer', outcome });
  });

  it('knows one silent request from a job that took its whole time', () => {
    const late = new DeadlineExceeded('total', 870);
    const expected = { code: 'deadline_exceeded', outcome: 'still_there' };
    expect(classifyTransportError(late, 'accepted')).toMatchObject(expected);
  });

  it.each(['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_TLS_CERT_ALTNAME_INVALID', 'EPROTO'])(
    'knows %s as a TLS failure',
    (code) => {
      const error = new TransportError('connect', Object.assign(new Error('tls'), { code }));
      expect(classifyTransportError(error, 'submitting')).toMatchObject({ code: 'tls_failed' });
    },
  );

  it('leaves other errors alone', () => {
    expect(classifyTransportError(new TypeError('a defect'), 'accepted')).toBeUndefined();
  });
});
