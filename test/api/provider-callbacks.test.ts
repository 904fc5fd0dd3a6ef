import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { callbackToken } from '../../src/domain/callback-key';
import { sendJson, startLocalServer, type LocalServer } from '../providers/support/local-server';
import { openTestApi, type TestApi } from './test-api';

const secret = 'id:secret';
const jobKey = '0d9f1d1e-5f0c-4a53-9a54-4a7b8f6d4c11/slot-3/fal-qwen-image-edit-2511/2';
const retired = generateKeyPairSync('ed25519');
const current = generateKeyPairSync('ed25519');
const next = generateKeyPairSync('ed25519');
const strangers = generateKeyPairSync('rsa', { modulusLength: 2048 });

let published: KeyObject[] = [];
let isKeyHostUp = true;
let keyHost: LocalServer;
let api: TestApi;
/** A process of the API that has read no keys yet. */
let replica: Awaited<ReturnType<TestApi['openReplica']>>;

beforeAll(async () => {
  keyHost = await startLocalServer((_request, response) => {
    const keys = published.map((key) => key.export({ format: 'jwk' }));
    sendJson(response, isKeyHostUp ? 200 : 502, { keys });
  });
  api = await openTestApi({}, { falCallbacks: { secret, jwksUrl: `${keyHost.url}/jwks.json` } });
}, 90_000);

beforeEach(async () => {
  published = [strangers.publicKey, retired.publicKey, current.publicKey];
  isKeyHostUp = true;
  keyHost.received.length = 0;
  await api.database.db.deleteFrom('provider_callbacks').execute();
  replica = await api.openReplica();
});

afterEach(() => replica.close());

afterAll(async () => {
  await api.close();
  await keyHost.close();
});

interface Sent {
  body?: string;
  key?: KeyObject;
  /** Seconds between its time and `now`. */
  secondsOff?: number;
  /** Unix seconds. Default: the clock's. */
  now?: number;
  token?: string;
  /** What is sent instead of what was signed. */
  instead?: { body?: string; headers?: Record<string, string> };
}

const bodyOf = (requestId: string, status = 'OK') =>
  JSON.stringify({ request_id: requestId, gateway_request_id: requestId, status, payload: { images: [] } });

/** Posts a call-back as Fal documents it. */
async function call(sent: Sent) {
  const { body = bodyOf('r1'), key = current.privateKey, token, instead = {} } = sent;
  const { secondsOff = 0, now = Math.floor(Date.now() / 1000) } = sent;
  const timestamp = String(now + secondsOff);
  const digest = createHash('sha256').update(body).digest('hex');
  const message = ['r1', 'user', timestamp, digest].join('\n');
  return await replica.send({
    method: 'POST',
    url: `/v1/provider-callbacks/fal/${token ?? callbackToken(jobKey, secret)}`,
    headers: {
      'content-type': 'application/json',
      'x-fal-webhook-request-id': 'r1',
      'x-fal-webhook-user-id': 'user',
      'x-fal-webhook-timestamp': timestamp,
      'x-fal-webhook-signature': sign(null, Buffer.from(message), key).toString('hex'),
      ...instead.headers,
    },
    payload: instead.body ?? body,
  });
}

const stored = () =>
  api.database.db.selectFrom('provider_callbacks').select(['job_key', 'request_id', 'status']).execute();

describe("Fal's call-back", () => {
  it('tells which of its requests a job is, with a key read once', async () => {
    expect(await call({ body: bodyOf('r1', 'ERROR') })).toMatchObject({ status: 204 });
    expect(await call({ body: bodyOf('r2'), key: retired.privateKey })).toMatchObject({ status: 204 });
    expect(await stored()).toEqual([
      { job_key: jobKey, request_id: 'r1', status: 'ERROR' },
      { job_key: jobKey, request_id: 'r2', status: 'OK' },
    ]);
    expect(keyHost.received).toHaveLength(1);
  });

  it.each<[string, Sent]>([
    ['another body than the signed one', { instead: { body: bodyOf('r9') } }],
    ['a key Fal does not publish', { key: next.privateKey }],
    ['another user than the signed one', { instead: { headers: { 'x-fal-webhook-user-id': 'me' } } }],
    [
      'another time than the signed one',
      { instead: { headers: { 'x-fal-webhook-timestamp': String(Math.floor(Date.now() / 1000) - 9) } } },
    ],
    ['no signature', { instead: { headers: { 'x-fal-webhook-signature': '' } } }],
    ['half a signature', { instead: { headers: { 'x-fal-webhook-signature': 'ab'.repeat(32) } } }],
    ['a time long gone', { secondsOff: -310 }],
    ['a time to come', { secondsOff: 310 }],
  ])('is refused with %s', async (_name, sent) => {
    expect(await call(sent)).toMatchObject({ status: 401 });
    expect(await stored()).toEqual([]);
  });

  it('is taken at the edge of the five minutes', async () => {
    expect(await call({ secondsOff: -290 })).toMatchObject({ status: 204 });
  });

  it('is refused as a replay, also by another process and at the address of another job', async () => {
    const body = bodyOf('r1');
    const now = Math.floor(Date.now() / 1000);
    expect(await call({ body, now })).toMatchObject({ status: 204 });
    expect(await call({ body, now })).toMatchObject({ status: 409, body: { code: 'already_received' } });
    const token = callbackToken('another/job', secret);
    expect(await call({ body, now, token, secondsOff: 1 })).toMatchObject({ status: 409 });
    expect(await stored()).toEqual([{ job_key: jobKey, request_id: 'r1', status: 'OK' }]);
    // Fal's own repeat is signed anew.
    expect(await call({ body, now, secondsOff: 2 })).toMatchObject({ status: 204 });
  });

  it.each([callbackToken(jobKey, 'another:key'), 'nonsense', Buffer.from(jobKey).toString('base64url')])(
    'is for no job of ours at %s',
    async (token) => {
      expect(await call({ token })).toMatchObject({ status: 404 });
      expect(keyHost.received).toEqual([]);
    },
  );

  it.each(['[]', '{"request_id":"r1"}', '{"request_id":"../x","status":"OK"}', 'text', ''])(
    'must name a request: %p',
    async (body) => {
      expect((await call({ body })).status).toBe(400);
      expect(await stored()).toEqual([]);
    },
  );

  it('may be no larger than any result', async () => {
    expect((await call({ body: bodyOf('x'.repeat(300_000)) })).status).toBe(413);
  });

  it('is asked for again while the keys cannot be read, and no key is asked for at every call', async () => {
    isKeyHostUp = false;
    expect(await call({})).toMatchObject({ status: 503, body: { code: 'keys_unavailable' } });
    isKeyHostUp = true;
    expect(await call({})).toMatchObject({ status: 204 });
    for (let times = 0; times < 3; times += 1)
      expect(await call({ key: next.privateKey })).toMatchObject({ status: 401 });
    expect(keyHost.received).toHaveLength(2);
  });

  it('is not taken where the service has no public address', async () => {
    const url = `/v1/provider-callbacks/fal/${callbackToken(jobKey, secret)}`;
    const closed = await openTestApi();
    expect((await closed.send({ method: 'POST', url, payload: {} })).status).toBe(404);
    await closed.close();
  }, 90_000);
});
