import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { makeApiKey } from '../../src/api/access/api-key';
import { createApiKeyStore } from '../../src/db';
import { waitUntil } from '../support/wait-until';
import { keyHolder, type KeyHolder } from './keys-api';
import { openTestApi, type Answer, type Call, type TestApi } from './test-api';

const rate = 40;
const issuer = 'https://login.example.com';
const audience = 'pictures';

let api: TestApi;
let keyServer: Server;
let signing: { privateKey: CryptoKey; publicKey: CryptoKey };
let admin: KeyHolder;

beforeAll(async () => {
  signing = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(signing.publicKey)), kid: 'k1', alg: 'ES256' };
  keyServer = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
  }).listen(0, '127.0.0.1');
  await once(keyServer, 'listening');
  const { port } = keyServer.address() as AddressInfo;
  api = await openTestApi({
    API_AUTH: 'keys',
    NSFW_ENABLED: 'true',
    API_RATE_PER_MINUTE: String(rate),
    API_JWKS_URL: `http://127.0.0.1:${port}/jwks.json`,
    API_JWT_ISSUER: issuer,
    API_JWT_AUDIENCE: audience,
    API_CORS_ORIGINS: 'https://app.example.com',
  });
  admin = await keyHolder(api, 'operator', ['admin']);
}, 90_000);

afterAll(async () => {
  await api.close();
  keyServer.close();
});

const character: Call = { method: 'PUT', url: '/v1/characters/ava', payload: {} };
const withoutId = ({ status, headers, body }: Answer) => ({
  status,
  challenge: headers.get('www-authenticate'),
  body: { ...body, requestId: '' },
});
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const audited = async (query = '') =>
  (await admin.send({ url: `/v1/audit${query}` })).body['items'] as Line[];
interface Line {
  action: string;
  caller: string | null;
  keyId: string | null;
  subject: string;
  code: string | null;
  requestId: string | null;
}

describe('a request without a valid key', () => {
  it('gets one answer, whether its key is wrong, expired, revoked or was never one', async () => {
    const past = '2026-01-02T03:04:05.000Z';
    const expired = await keyHolder(api, 'late', ['read'], past);
    const revoked = await keyHolder(api, 'gone', ['read']);
    await createApiKeyStore(api.database.db).revoke(revoked.id, {});
    const right = await keyHolder(api, 'right', ['read']);
    const wrongSecret = bearer(`ryla_${right.id}_${'a'.repeat(43)}`);
    const tokens = [
      bearer(makeApiKey().text),
      wrongSecret,
      expired.headers,
      revoked.headers,
      bearer('ryla_'),
      bearer('a.b.c'),
    ];

    const answers: ReturnType<typeof withoutId>[] = [];
    for (const headers of tokens) answers.push(withoutId(await api.send({ url: '/v1/spend', headers })));

    expect(answers[0]).toMatchObject({
      status: 401,
      challenge: 'Bearer realm="ryla-generation", error="invalid_token"',
      body: { code: 'unauthenticated', errors: [{ field: 'authorization' }] },
    });
    expect(answers).toEqual(answers.map(() => answers[0]));
    expect(await api.send({ url: '/v1/spend' })).toMatchObject({ status: 401 });
  });

  it('is refused before its body is looked at, and reaches health all the same', async () => {
    const broken = { 'content-type': 'application/json' };
    const start = { method: 'POST', url: '/v1/studio', headers: broken, payload: '{' };

    expect((await api.send(start)).status).toBe(401);
    expect((await api.send({ url: '/healthz' })).status).toBe(200);
    expect((await api.send({ url: '/v1/nothing' })).status).toBe(404);
  });

  it('may be sent 30 times a minute by one address; a valid key is let in even then', async () => {
    const flooded = await openTestApi({ API_AUTH: 'keys' });
    const holder = await keyHolder(flooded, 'app', ['read']);
    const statuses = [];
    for (let count = 0; count < 34; count += 1)
      statuses.push((await flooded.send({ url: '/v1/spend' })).status);
    const refused = await flooded.send({ url: '/v1/spend' });

    expect(statuses.filter((status) => status === 401)).toHaveLength(30);
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await holder.send({ url: '/v1/spend' })).status).toBe(200);
    const operator = await keyHolder(flooded, 'operator', ['admin']);
    const lines = (await operator.send({ url: '/v1/audit?limit=200' })).body['items'] as Line[];
    // Of five refusals alike one is enough.
    expect(lines.filter(({ code }) => code === 'rate_limited')).toHaveLength(1);
    await flooded.close();
  }, 90_000);
});

describe('a scope', () => {
  it.each([
    [['read'], { ...character }, 'start'],
    [['start'], { url: '/v1/spend' }, 'read'],
    [['start', 'read', 'nsfw'], { url: '/v1/api-keys' }, 'admin'],
    [['start', 'read', 'nsfw'], { url: '/v1/audit' }, 'admin'],
    [['admin'], { url: '/v1/generations' }, 'read'],
    [['admin'], { ...character }, 'start'],
  ] as const)('is named where it is missing: %j asks %j', async (scopes, call, scope) => {
    const holder = await keyHolder(api, 'partial', scopes);

    const { status, headers, body } = await holder.send(call);

    expect(status).toBe(403);
    expect(body).toMatchObject({ code: 'scope_missing', scope, errors: [{ field: 'authorization' }] });
    expect(headers.get('www-authenticate')).toContain(`scope="${scope}"`);
  });

  it('of its own is needed for NSFW, in a start, a plan and a picture made anew', async () => {
    const prude = await keyHolder(api, 'sfw-and-nsfw', ['start', 'read']);
    const full = await keyHolder(api, 'sfw-and-nsfw', ['start', 'read', 'nsfw']);
    await full.send(character);
    const payload = { characterId: 'ava', prompt: 'adult woman on a sofa', nsfw: true };
    const start = { method: 'POST', url: '/v1/studio', payload };
    const plan = { method: 'POST', url: '/v1/route-plans', payload: { ...payload, flow: 'studio' } };
    const refusal = {
      status: 403,
      body: { code: 'scope_missing', errors: [{ field: 'nsfw', pointer: '/nsfw' }] },
    };

    expect(await prude.send(start)).toMatchObject(refusal);
    expect(await prude.send(plan)).toMatchObject(refusal);
    expect((await full.send(plan)).status).toBe(200);
    const { status, body } = await full.send(start);
    expect(status).toBe(202);
    await api.database.db
      .updateTable('slots')
      .set({ status: 'failed', finished_at: '2026-01-02T03:04:05.000Z' })
      .where('generation_id', '=', String(body['id']))
      .execute();
    const anew = { method: 'POST', url: `/v1/generations/${String(body['id'])}/slots/1/regenerate` };
    expect(await prude.send(anew)).toMatchObject(refusal);
    expect((await full.send(anew)).status).toBe(202);
  });

  it('is needed for every route but health and the document', () => {
    const open = api.app.servedRoutes.filter(({ access }) => access === 'public').map(({ url }) => url);

    expect(new Set(open)).toEqual(new Set(['/healthz', '/readyz', '/openapi.json']));
  });
});

describe('x-caller-id', () => {
  it('is the caller of the key, or refused: nobody else pays unnoticed', async () => {
    const holder = await keyHolder(api, 'app', ['read']);
    const ask = (caller: string) => holder.send({ url: '/v1/spend', headers: { 'x-caller-id': caller } });

    expect(await ask('app')).toMatchObject({ status: 200, body: { caller: 'app' } });
    expect(await ask('rich')).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'x-caller-id', code: 'caller_mismatch' }] },
    });
  });
});

describe('the keys', () => {
  const wanted = { caller: 'shop', name: 'web shop', scopes: ['read'] };

  it('are made by an administrator, shown once, listed without a secret, and revoked at once everywhere', async () => {
    const replica = await api.openReplica();
    const made = await admin.send({ method: 'POST', url: '/v1/api-keys', payload: wanted });
    const { key, id } = made.body as { key: string; id: string };
    const ask = { url: '/v1/spend', headers: bearer(key) };

    expect(made).toMatchObject({ status: 201, body: { ...wanted, expiresAt: null, revokedAt: null } });
    expect(key).toMatch(/^ryla_[0-9a-f]{16}_[\w-]{43}$/);
    expect(made.headers.get('cache-control')).toBe('no-store');
    expect(await replica.send(ask)).toMatchObject({ status: 200, body: { caller: 'shop' } });

    const listed = await admin.send({ url: '/v1/api-keys?limit=200' });
    const secret = key.slice(`ryla_${id}_`.length);
    expect(listed.body['items']).toContainEqual(
      expect.objectContaining({ id, caller: 'shop', name: 'web shop' }),
    );
    expect(JSON.stringify(listed.body)).not.toContain(secret);
    expect(JSON.stringify(listed.body)).not.toMatch(/hash/i);

    const revoke = { method: 'DELETE', url: `/v1/api-keys/${id}` };
    expect((await admin.send(revoke)).status).toBe(204);
    expect((await replica.send(ask)).status).toBe(401);
    expect((await admin.send(revoke)).status).toBe(204);
    await replica.close();
  });

  it('end by themselves when their time is over', async () => {
    const holder = await keyHolder(api, 'short', ['read'], new Date(Date.now() + 1500).toISOString());

    expect((await holder.send({ url: '/v1/models' })).status).toBe(200);
    await waitUntil(async () => (await holder.send({ url: '/v1/models' })).status === 401);
  });

  it('show when they were used last, noted once a minute at most', async () => {
    const holder = await keyHolder(api, 'used', ['read']);
    const lastUse = async () => (await createApiKeyStore(api.database.db).find(holder.id))?.lastUsedAt;
    expect(await lastUse()).toBeNull();

    await holder.send({ url: '/v1/spend' });
    await waitUntil(async () => (await lastUse()) !== null);
    const first = await lastUse();
    await holder.send({ url: '/v1/spend' });
    await createApiKeyStore(api.database.db).noteUse(holder.id);
    expect(await lastUse()).toBe(first);
  });

  it.each([
    [{ ...wanted, scopes: [] }, 'scopes'],
    [{ ...wanted, scopes: ['all'] }, 'scopes.0'],
    [{ ...wanted, caller: 'a b' }, 'caller'],
    [{ ...wanted, expiresAt: '2026-01-02T03:04:05Z' }, 'expiresAt'],
    [{ ...wanted, secret: 'mine' }, 'secret'],
  ])('are refused as %j', async (payload, field) => {
    const { status, body } = await admin.send({ method: 'POST', url: '/v1/api-keys', payload });

    expect(status).toBe(400);
    expect(body['errors']).toMatchObject([{ field }]);
  });

  it.each(['0123456789abcdef', 'x', '%00'])('know nothing of %s', async (id) => {
    const answer = await admin.send({ method: 'DELETE', url: `/v1/api-keys/${id}` });

    expect(answer).toMatchObject({ status: 404, body: { code: 'api_key_not_found' } });
  });
});

describe('a token of an identity provider', () => {
  interface Claims {
    subject?: string;
    scope?: string;
    iss?: string;
    aud?: string;
    expires?: string | number;
    key?: CryptoKey | Uint8Array;
    alg?: string;
  }
  const sign = ({ subject = 'web', scope = 'read', iss = issuer, aud = audience, ...rest }: Claims = {}) =>
    new SignJWT({ scope })
      .setProtectedHeader({ alg: rest.alg ?? 'ES256', kid: 'k1' })
      .setSubject(subject)
      .setIssuer(iss)
      .setAudience(aud)
      .setExpirationTime(rest.expires ?? '5m')
      .sign(rest.key ?? signing.privateKey);
  const ask = async (claims?: Claims, call: Call = { url: '/v1/spend' }) =>
    api.send({ ...call, headers: bearer(await sign(claims)) });

  it('lets its subject in, with the scopes it names', async () => {
    expect(await ask({ scope: 'openid read' })).toMatchObject({ status: 200, body: { caller: 'web' } });
    expect(await ask({}, character)).toMatchObject({ status: 403, body: { scope: 'start' } });
    expect((await ask({ scope: 'start read' }, character)).status).toBe(201);
  });

  it('shares the things of the caller whose name it bears, and no others', async () => {
    await ask({ subject: 'shared', scope: 'start' }, character);
    const holder = await keyHolder(api, 'shared', ['read']);

    expect((await holder.send({ url: '/v1/characters/ava' })).status).toBe(200);
    expect((await ask({ subject: 'other' }, { url: '/v1/characters/ava' })).status).toBe(404);
  });

  it('is let off half a minute of a clock that is late', async () => {
    const now = Math.floor(Date.now() / 1000);

    expect((await ask({ expires: now - 15 })).status).toBe(200);
    expect((await ask({ expires: now - 60 })).status).toBe(401);
  });

  it.each<[string, () => Promise<Claims>]>([
    ['another issuer', () => Promise.resolve({ iss: 'https://evil.example.com' })],
    ['another audience', () => Promise.resolve({ aud: 'something-else' })],
    ['another key', async () => ({ key: (await generateKeyPair('ES256')).privateKey })],
    // The public key is public: as the secret of a symmetric algorithm anybody could sign with it.
    [
      'a symmetric algorithm',
      async () => ({
        alg: 'HS256',
        key: new TextEncoder().encode(JSON.stringify(await exportJWK(signing.publicKey))),
      }),
    ],
  ])('is refused with %s', async (_name, claims) => {
    expect(await ask(await claims())).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  });

  it('is refused where it is not signed at all', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { iss: issuer, aud: audience, sub: 'web', scope: 'read', exp: 4e9 };

    const answer = await api.send({
      url: '/v1/spend',
      headers: bearer(`${part({ alg: 'none' })}.${part(claims)}.`),
    });
    expect(answer.status).toBe(401);
  });

  it('says what is wrong where its subject cannot be a caller', async () => {
    expect(await ask({ subject: 'auth0|123' })).toMatchObject({
      status: 403,
      body: { code: 'caller_unusable' },
    });
  });
});

describe('the rate limit', () => {
  it('holds for each key by itself, and says when to come again', async () => {
    const busy = await keyHolder(api, 'busy', ['read']);
    const calm = await keyHolder(api, 'busy', ['read']);
    const answers = [];
    for (let count = 0; count <= rate; count += 1) answers.push(await busy.send({ url: '/v1/models' }));

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(rate);
    expect(answers.at(-1)).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(Number(answers.at(-1)?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await calm.send({ url: '/v1/models' })).status).toBe(200);
  });
});

describe('the audit table', () => {
  it('holds decisions, cancels, deletes, key changes and refusals, newest first, page by page', async () => {
    const operator = await keyHolder(api, 'second-operator', ['admin']);
    const lines = async (query: string) => (await operator.send({ url: `/v1/audit?${query}` })).body;
    const app = await keyHolder(api, 'audited', ['start', 'read']);
    await app.send(character);
    const lora = { baseModel: 'flux', triggerWord: 'x' };
    await app.send({ method: 'PUT', url: '/v1/characters/ava/loras/ava1', payload: lora });
    const prompt = 'a prompt nobody may keep';
    const started = await app.send({
      method: 'POST',
      url: '/v1/studio',
      payload: { characterId: 'ava', prompt },
    });
    const generation = `/v1/generations/${String(started.body['id'])}`;
    const decision = { decision: 'give_up' };
    await app.send({ method: 'POST', url: `${generation}/slots/1/decide`, payload: decision });
    const cancelled = await app.send({ method: 'POST', url: `${generation}/cancel` });
    await app.send({ method: 'DELETE', url: '/v1/characters/ava/loras/ava1' });
    await app.send({
      method: 'POST',
      url: '/v1/studio',
      payload: { characterId: 'ava', prompt: `${prompt}, a 12 year old girl` },
    });
    await app.send({ url: '/v1/audit' });

    const page = await lines('caller=audited&limit=3');
    const rest = await lines(`caller=audited&cursor=${String(page['nextCursor'])}`);
    const all = [...(page['items'] as Line[]), ...(rest['items'] as Line[])];

    expect(page['items']).toHaveLength(3);
    expect(all.map(({ action, subject, code }) => [action, subject, code])).toEqual([
      ['refused', '/v1/audit', 'scope_missing'],
      ['refused', '/v1/studio', 'minor_suggested'],
      ['lora.delete', '/v1/characters/ava/loras/ava1', null],
      ['generation.cancel', `${generation}/cancel`, null],
      ['slot.decide', `${generation}/slots/1/decide`, null],
    ]);
    expect(new Set(all.map(({ keyId }) => keyId))).toEqual(new Set([app.id]));
    expect(all[3]?.requestId).toBe(cancelled.headers.get('x-request-id'));
    expect(JSON.stringify(all)).not.toContain(prompt);
  });

  it('holds who made and revoked a key, and requests that nobody was known by', async () => {
    const operator = await keyHolder(api, 'key-maker', ['admin']);
    const payload = { caller: 'x', name: 'y', scopes: ['read'] };
    const { body } = await operator.send({ method: 'POST', url: '/v1/api-keys', payload });
    await operator.send({ method: 'DELETE', url: `/v1/api-keys/${String(body['id'])}` });
    const stranger = await api.send({ url: '/v1/generations?limit=7' });

    const subject = `/v1/api-keys/${String(body['id'])}`;
    expect(
      (await audited('?limit=3')).map(({ action, caller, subject }) => [action, caller, subject]),
    ).toEqual([
      ['refused', null, '/v1/generations'],
      ['api-key.revoke', 'key-maker', subject],
      ['api-key.create', 'key-maker', subject],
    ]);
    expect((await audited('?limit=1'))[0]?.requestId).toBe(stranger.headers.get('x-request-id'));
  });
});

describe('a browser', () => {
  const preflight = (origin: string) =>
    api.send({
      method: 'OPTIONS',
      url: '/v1/studio',
      headers: { origin, 'access-control-request-method': 'POST' },
    });

  it('may call from the pages of the list, and from no others', async () => {
    const listed = await preflight('https://app.example.com');
    const other = await preflight('https://evil.example.com');

    expect(listed.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
    expect(listed.headers.get('access-control-allow-headers')).toContain('authorization');
    expect(other.headers.get('access-control-allow-origin')).not.toBe('https://evil.example.com');
  });

  it('may read the refusal of a page of the list', async () => {
    const { status, headers } = await api.send({
      url: '/v1/spend',
      headers: { origin: 'https://app.example.com' },
    });

    expect(status).toBe(401);
    expect(headers.get('access-control-allow-origin')).toBe('https://app.example.com');
  });

  it('is told to load nothing and to guess nothing', async () => {
    const { headers } = await api.send({ url: '/healthz' });

    expect(headers.get('content-security-policy')).toBe("default-src 'none';frame-ancestors 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
  });
});
