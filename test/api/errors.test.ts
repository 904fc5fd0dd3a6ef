import { readFileSync } from 'node:fs';
import { TemporalUnavailable } from '../../src/api/temporal/temporal-port';
import { formCodes } from '../../src/api/http/field-errors';
import { createGenerationStore } from '../../src/db';
import { refusalCodes } from '../../src/registry';
import { attempt, generationState, slotState } from '../db/states';
import { problemTable } from './problem-table';
import { openTestApi, type TestApi } from './test-api';

const page = readFileSync('docs/api.md', 'utf8');
const section = (from: string, to: string) => page.slice(page.indexOf(from), page.indexOf(to));

describe('the page docs/api.md', () => {
  it('lists every error with what to do and whether to send it again', () => {
    const lines = section('## Errors', '- **402**').split('\n');
    const rows = lines.filter((line) => /^\| \d/.test(line)).map((row) => row.replaceAll(/ +/g, ' '));

    expect(rows.toSorted()).toEqual(problemTable());
  });

  it('lists every reason to refuse a request, and none that is never given', () => {
    const rows = section('### Codes in `errors`', 'In a 400 the codes').split('\n').slice(6);
    const told = rows.flatMap((row) =>
      [...(row.split('|')[2] ?? '').matchAll(/`(\w+)`/g)].map(([, code]) => code),
    );

    expect([...new Set(told)].filter((code) => code !== 'reuse').toSorted()).toEqual(
      [...refusalCodes].toSorted(),
    );
  });

  it('lists every way in which a request can be of the wrong form', () => {
    const told = [...page.slice(page.indexOf('In a 400 the codes')).matchAll(/`(\w+)`/g)].map(
      ([, code]) => code,
    );

    expect(told.toSorted()).toEqual([...formCodes].toSorted());
  });
});

describe('an error', () => {
  let api: TestApi;

  beforeAll(async () => {
    api = await openTestApi();
    await api.send({ method: 'PUT', url: '/v1/characters/ava' });
  }, 90_000);

  afterAll(() => api.close());

  beforeEach(() => {
    api.temporal.failure = undefined;
    api.temporal.reply = { kind: 'done', result: { slots: [1] } };
  });

  const body = { characterId: 'ava', prompt: 'at the beach' };
  const start = (payload: object, headers: Record<string, string> = {}) =>
    api.send({ method: 'POST', url: '/v1/studio', payload, headers });

  it.each<[string, () => ReturnType<TestApi['send']>, object]>([
    [
      'a field of the body',
      () => start({ ...body, count: 0 }),
      { in: 'body', pointer: '/count', code: 'too_small' },
    ],
    [
      'an unknown field, whatever its name holds',
      () => start({ ...body, 'a/b.c~d': 1 }),
      { in: 'body', pointer: '/a~1b.c~0d', code: 'unknown_field' },
    ],
    ['the whole body', () => start([]), { in: 'body', pointer: '' }],
    [
      'a field that cannot be done',
      () => start({ ...body, referenceImageUrl: 'ftp://example.com/a.png' }),
      { in: 'body', pointer: '/referenceImageUrl', code: 'url_invalid' },
    ],
    [
      'a text inside a list',
      () => start({ ...body, count: [{ a: '\u0000' }] }),
      { in: 'body', pointer: '/count/0/a', code: 'invalid_characters' },
    ],
  ])('points to %s', async (_name, call, error) => {
    const answer = await call();

    expect(answer.body['errors']).toEqual([expect.objectContaining(error)]);
    expect(answer.body).toMatchObject({
      refused: 'input',
      retry: { safe: true, helps: false, afterSeconds: null },
    });
  });

  it.each<[string, () => ReturnType<TestApi['send']>, string]>([
    ['the query', () => api.send({ url: '/v1/generations?limit=0' }), 'query'],
    ['the path', () => api.send({ method: 'POST', url: '/v1/generations/x/slots/none/decide' }), 'path'],
    ['a header', () => start(body, { 'idempotency-key': '\u00e4' }), 'header'],
  ])('says that %s is to blame, where no pointer leads', async (_name, call, place) => {
    const { errors } = (await call()).body as { errors: object[] };

    expect(errors[0]).toMatchObject({ in: place });
    expect(errors[0]).not.toHaveProperty('pointer');
  });

  it('tells the caller to send it again with its key after a start that may have happened', async () => {
    api.temporal.failure = new TemporalUnavailable('no answer', { mayHaveStarted: true });

    const withKey = await start(body, { 'idempotency-key': 'once' });
    const without = await start(body);

    expect(withKey.body).toMatchObject({ retry: { safe: true, helps: true, afterSeconds: 5 } });
    expect(without.body).toMatchObject({ retry: { safe: false, helps: true } });
    expect(withKey.body).not.toHaveProperty('refused');
  });

  it('warns of sending a decision again that may have been taken', async () => {
    const state = generationState({ slots: [slotState({ status: 'needs_decision' })] });
    await createGenerationStore(api.database.db).saveState(state);
    api.temporal.reply = { kind: 'unanswered' };
    const url = `/v1/generations/${state.generationId}`;

    const decided = await api.send({
      method: 'POST',
      url: `${url}/slots/1/decide`,
      payload: { decision: 'resubmit' },
    });
    const retried = await api.send({ method: 'POST', url: `${url}/retry-now` });

    expect(decided.body).toMatchObject({
      code: 'no_worker_answered',
      retry: { safe: false, afterSeconds: 5 },
    });
    expect(retried.body).toMatchObject({
      code: 'no_worker_answered',
      retry: { safe: true, afterSeconds: 5 },
    });
  });

  it.each([
    ['content_policy_violation', 'policy', 'input'],
    ['nsfw_flagged', 'policy', 'output'],
    ['media_censored', 'policy', 'output'],
    ['no_face_detected', 'input', 'input'],
    ['media_blank', 'corrupt', null],
  ] as const)('of a slot says what was refused: %s', async (errorCode, code, refused) => {
    const failed = attempt({ outcome: 'failed', errorClass: code, errorCode });
    const slot = slotState({ status: 'failed', attempts: [failed], error: { code, message: 'x' } });
    const state = generationState({ status: 'failed', revision: Date.now() + 1e6, slots: [slot] });
    await api.database.db.deleteFrom('generations').execute();
    await createGenerationStore(api.database.db).saveState(state);

    const answer = await api.send({ url: `/v1/generations/${state.generationId}` });

    expect(answer.body).toMatchObject({ slots: [{ error: { code, refused } }] });
  });
});
