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
        method: 'POST',
        url: '/v1/studio',
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
      'five megabytes of JSON',
      { payload: { prompt: 'x'.repeat(5_000_000) } },
      413,
      {
        field: 'body',
        in: 'body',
        pointer: '',
        code: 'too_large',
        message: expect.stringMatching(/1048576 bytes.*POST \/v1\/assets/) as unknown,
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
