import { once } from 'node:events';
import { STATUS_CODES } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { openTestApi, type Call, type TestApi } from './test-api';

let api: TestApi;

beforeAll(async () => {
  api = await openTestApi();
}, 90_000);

afterAll(() => api.close());

const json = { 'content-type': 'application/json' };

describe('every refusal is a problem document', () => {
  it.each<[string, Parameters<TestApi['send']>[0], number, string]>([
    ['a path that does not exist', { url: '/v2/studio' }, 404, 'not_found'],
    [
      'a method that does not exist there',
      { method: 'DELETE', url: '/v1/studio' },
      405,
      'method_not_allowed',
    ],
    ['reading where one can only post', { url: '/v1/base-images' }, 405, 'method_not_allowed'],
    [
      'JSON that is none',
      { method: 'POST', url: '/v1/studio', headers: json, payload: '{"a":' },
      400,
      'invalid_request',
    ],
    ['no body', { method: 'POST', url: '/v1/studio' }, 400, 'invalid_request'],
    [
      'an empty body',
      { method: 'POST', url: '/v1/studio', headers: json, payload: '' },
      400,
      'invalid_request',
    ],
    [
      'a poisoned prototype',
      { method: 'POST', url: '/v1/studio', headers: json, payload: '{"__proto__":{}}' },
      400,
      'invalid_request',
    ],
    [
      'another content type',
      { method: 'POST', url: '/v1/studio', headers: { 'content-type': 'text/csv' }, payload: 'a' },
      415,
      'unsupported_media_type',
    ],
    [
      'a picture where JSON belongs',
      { method: 'POST', url: '/v1/studio', headers: { 'content-type': 'image/png' }, payload: 'a' },
      415,
      'unsupported_media_type',
    ],
    [
      'more than a megabyte of JSON',
      {
        method: 'PUT',
        url: '/v1/characters/ava',
        headers: json,
        payload: JSON.stringify({ prompt: 'x'.repeat(1_100_000) }),
      },
      413,
      'too_large',
    ],
    ['a malformed URL', { url: '/v1/assets/%zz' }, 400, 'invalid_request'],
  ])('%s', async (_name, call, status, code) => {
    const answer = await api.send(call);

    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(answer.body).toMatchObject({
      type: `urn:ryla-generation:problem:${code}`,
      status,
      code,
      requestId: answer.headers.get('x-request-id'),
    });
    expect(answer.body).toHaveProperty('title', STATUS_CODES[status]);
    expect(answer.body['detail']).not.toBe('');
  });

  it.each<[string, Omit<Call, 'url'>, number, object]>([
    [
      'JSON that is none',
      { headers: json, payload: '{"a":' },
      400,
      {
        field: 'body',
        in: 'body',
        pointer: '',
        code: 'invalid_json',
        message: expect.stringContaining('quotes') as unknown,
      },
    ],
    [
      'a poisoned prototype',
      { headers: json, payload: '{"__proto__":{}}' },
      400,
      {
        field: 'body',
        in: 'body',
        pointer: '',
        code: 'invalid_json',
        message: expect.stringContaining('__proto__') as unknown,
      },
    ],
    [
      'nine megabytes of JSON',
      { payload: { prompt: 'x'.repeat(9_000_000) } },
      413,
      {
        field: 'body',
        in: 'body',
        pointer: '',
        code: 'too_large',
        message: expect.stringMatching(/8388608 bytes.*POST \/v1\/assets/) as unknown,
      },
    ],
    [
      'another content type',
      { headers: { 'content-type': 'text/csv' }, payload: 'a' },
      415,
      {
        field: 'content-type',
        in: 'header',
        code: 'unsupported_media_type',
        message: expect.stringContaining('application/json') as unknown,
      },
    ],
  ])('names the field and the way out of %s', async (_name, call, status, error) => {
    const answer = await api.send({ ...call, method: 'POST', url: '/v1/studio' });

    expect(answer.status).toBe(status);
    expect(answer.body['errors']).toEqual([error]);
    if (status === 415) expect(answer.body['detail']).toContain('send JSON as application/json');
  });

  it('also when the bytes are not HTTP', async () => {
    const { hostname, port } = new URL(api.baseUrl);
    const socket = connect(Number(port), hostname);
    socket.end('HELLO\r\n\r\n');

    const answer = await text(socket);

    expect(answer).toContain('HTTP/1.1 400');
    expect(answer).toContain('"code":"invalid_http"');
  });

  it.each<[string, string, number]>([
    ['of announced length', 'content-type: application/json\r\ncontent-length: 9000000', 413],
    ['in chunks', 'content-type: application/json\r\ntransfer-encoding: chunked', 413],
    ['of a type nobody takes', 'content-type: text/csv\r\ncontent-length: 9000000', 415],
  ])('is read by a client that first sends its whole body, %s', async (_name, headers, status) => {
    const { hostname, port } = new URL(api.baseUrl);
    const socket = connect(Number(port), hostname);
    const body = 'x'.repeat(9_000_000);
    const sent = headers.includes('chunked') ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body;
    socket.pause();
    socket.write(`POST /v1/studio HTTP/1.1\r\nhost: x\r\n${headers}\r\n\r\n`);
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.write(sent, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(error);
      });
    });
    socket.end();

    expect(await text(socket)).toContain(`HTTP/1.1 ${status}`);
  });

  it.each([
    ['an overlong form', [0xc0, 0xaf]],
    ['half a character', [0xe2, 0x82]],
    ['a byte that never is one', [0xff]],
  ])('refuses text that is not UTF-8 instead of changing it: %s', async (_name, bytes) => {
    const payload = Buffer.concat([Buffer.from('{"prompt":"'), Buffer.from(bytes), Buffer.from('"}')]);
    const { status, body } = await api.send({ method: 'POST', url: '/v1/studio', headers: json, payload });

    expect(status).toBe(400);
    expect(body['errors']).toMatchObject([{ field: 'body', code: 'invalid_utf8' }]);
  });

  it.each([
    ['zero-width characters', '\u200b\u200d\ufeff'],
    ['control characters', '\u0007\u001b'],
    ['blank letters', '\u3164\u2800'],
    ['marks without a letter', '\u0301'],
  ])('refuses a prompt of nothing but %s', async (_name, prompt) => {
    const payload = { characterId: 'ava', prompt };
    const { status, body } = await api.send({ method: 'POST', url: '/v1/base-images', payload });

    expect(status).toBe(400);
    expect(body['errors']).toMatchObject([{ field: 'prompt', pointer: '/prompt' }]);
  });

  it('names the methods that do exist', async () => {
    const { headers } = await api.send({ method: 'PATCH', url: '/v1/characters/ava' });

    expect(headers.get('allow')).toBe('GET, HEAD, PUT');
  });

  it('never repeats what was sent in a query string', async () => {
    const { body } = await api.send({ url: '/nowhere?token=secret' });

    expect(JSON.stringify(body)).not.toContain('secret');
  });

  it('says nothing of the cause when something unforeseen happens', async () => {
    api.temporal.failure = new TypeError('secret internals');
    await api.send({ method: 'PUT', url: '/v1/characters/ava', payload: {} });
    const payload = { characterId: 'ava', prompt: 'x' };
    const { status, body } = await api.send({ method: 'POST', url: '/v1/base-images', payload });

    expect(status).toBe(500);
    expect(body['code']).toBe('internal_error');
    expect(JSON.stringify(body)).not.toContain('secret');
  });

  it('keeps serving after a caller that hangs up in the middle of a request', async () => {
    const { hostname, port } = new URL(api.baseUrl);
    const socket = connect(Number(port), hostname);
    socket.write(
      'POST /v1/studio HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
    );
    await once(api.app.server, 'request');
    socket.destroy();

    expect((await api.send({ url: '/healthz' })).status).toBe(200);
  });
});
