import net, { type AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import { createHttpClient, type HttpRequest } from '../../../src/providers/http/http';
import { readJson, readText } from '../../../src/providers/http/read-body';
import { classifyTransportError, TransportError } from '../../../src/providers/http/transport-error';
import { resetConnection, startLocalServer, type LocalServer, type Responder } from '../support/local-server';

const deadlines = { connectSeconds: 5, firstByteSeconds: 5, idleSeconds: 5 };
const http = createHttpClient();
let servers: LocalServer[] = [];

async function serve(respond: Responder): Promise<LocalServer> {
  const server = await startLocalServer(respond);
  servers.push(server);
  return server;
}

function get(url: string, options: Partial<HttpRequest> = {}) {
  return http.send({ method: 'GET', url, deadlines, signal: new AbortController().signal, ...options });
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => {
      throw new Error('it succeeded');
    },
    (error: unknown) => error,
  );
}

afterEach(async () => {
  await Promise.all(servers.map((server) => server.close()));
  servers = [];
});

describe('the HTTP client', () => {
  it.each([200, 303, 404, 500])('treats status %d as an answer, and follows nothing', async (status) => {
    const server = await serve((_request, response) => {
      response.writeHead(status, { location: '/elsewhere', 'X-Cost-USD': '0.02' }).end('text');
    });
    const reply = await get(server.url);
    expect(reply.status).toBe(status);
    expect(reply.header('x-cost-usd')).toBe('0.02');
    expect(await readText(reply, 100)).toBe('text');
    expect(server.received).toHaveLength(1);
  });

  it('sends JSON once, and never again by itself after a failure', async () => {
    const server = await serve((_request, _response, socket) => {
      resetConnection(socket);
    });
    const error = await failureOf(get(server.url, { method: 'POST', json: { prompt: 'a door' } }));
    expect(error).toMatchObject({ phase: 'reply', systemCode: 'ECONNRESET' });
    expect(server.received).toMatchObject([
      { method: 'POST', body: '{"prompt":"a door"}', headers: { 'content-type': 'application/json' } },
    ]);
  });

  it('tells a refused connection from a lost one: nothing was sent', async () => {
    const server = await startLocalServer(() => undefined);
    await server.close();
    const error = await failureOf(get(server.url));
    expect(classifyTransportError(error, 'submitting')).toMatchObject({
      code: 'connection_refused',
      outcome: 'nothing_sent',
    });
  });

  it('tells a host that does not exist', async () => {
    const error = await failureOf(get('http://no-such-host.invalid/'));
    expect(classifyTransportError(error, 'submitting')).toMatchObject({
      code: 'host_not_found',
    });
  });

  it('tells a failed TLS handshake from a lost request', async () => {
    const server = net.createServer((socket) => socket.end('this is no TLS'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const error = await failureOf(get(`https://127.0.0.1:${String(port)}/`));
    server.close();
    expect(classifyTransportError(error, 'submitting')).toMatchObject({
      code: 'tls_failed',
      outcome: 'nothing_sent',
    });
  });

  it('ends a silent server at the first-byte deadline', async () => {
    const server = await serve(() => undefined);
    const error = await failureOf(get(server.url, { deadlines: { ...deadlines, firstByteSeconds: 0.1 } }));
    expect(error).toMatchObject({ name: 'DeadlineExceeded', kind: 'first_byte' });
  });

  it('ends a host that never completes the connection at the connect deadline', async () => {
    // A TLS handshake that is never answered is as good as an address that never answers.
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const url = `https://127.0.0.1:${String(port)}/`;
    const error = await failureOf(get(url, { deadlines: { ...deadlines, connectSeconds: 0.1 } }));
    server.close();
    expect(error).toMatchObject({ name: 'DeadlineExceeded', kind: 'connect' });
    expect(classifyTransportError(error, 'submitting')).toMatchObject({
      code: 'connect_timeout',
      outcome: 'nothing_sent',
    });
  });

  it('ends a body that falls silent at the idle deadline', async () => {
    const server = await serve((_request, response) => {
      response.write('a');
    });
    const reply = await get(server.url, { deadlines: { ...deadlines, idleSeconds: 0.1 } });
    expect(await failureOf(readText(reply, 100))).toMatchObject({ name: 'DeadlineExceeded', kind: 'idle' });
  });

  it('ends a body that drips at the download deadline, counted from its first byte', async () => {
    const server = await serve((_request, response) => {
      const timer = setInterval(() => response.write('a'), 20);
      response.on('close', () => {
        clearInterval(timer);
      });
    });
    const reply = await get(server.url, { deadlines: { ...deadlines, downloadSeconds: 0.2 } });
    const error = await failureOf(readText(reply, 1000));
    expect(error).toMatchObject({ name: 'DeadlineExceeded', kind: 'download' });
    expect(classifyTransportError(error, 'accepted')).toMatchObject({
      ...{ code: 'body_stalled', outcome: 'still_there' },
    });
  });

  it('lets a body whose first byte is late have its whole time', async () => {
    const server = await serve((_request, response) => {
      response.flushHeaders();
      setTimeout(() => response.end('late'), 200);
    });
    const reply = await get(server.url, { deadlines: { ...deadlines, downloadSeconds: 0.1 } });
    expect(await readText(reply, 100)).toBe('late');
  });

  it('has the system probe a connection that has been silent for 10 s', async () => {
    const probes = jest.spyOn(net.Socket.prototype, 'setKeepAlive');
    const server = await serve((_request, response) => response.end('ok'));
    for (const freshConnection of [true, false]) {
      probes.mockClear();
      await readText(await get(server.url, { method: 'POST', json: {}, freshConnection }), 100);
      expect(probes.mock.calls).toContainEqual([true, 10_000]);
    }
    probes.mockRestore();
  });

  it("rejects with the caller's own reason, before the answer and within it", async () => {
    const server = await serve((request, response) => {
      if (request.path === '/body') response.write('a');
    });
    const early = new AbortController();
    const waiting = failureOf(get(server.url, { signal: early.signal }));
    early.abort(new Error('cancelled early'));
    expect(await waiting).toMatchObject({ message: 'cancelled early' });

    const late = new AbortController();
    const reply = await get(`${server.url}/body`, { signal: late.signal });
    const reading = failureOf(readText(reply, 100));
    late.abort(new Error('cancelled late'));
    expect(await reading).toMatchObject({ message: 'cancelled late' });
  });

  it('survives an abort that comes when nobody reads the body', async () => {
    const server = await serve((_request, response) => {
      response.write('a');
    });
    const controller = new AbortController();
    const reply = await get(server.url, { signal: controller.signal });
    controller.abort(new Error('cancelled'));
    await setImmediate();
    expect(await failureOf(readText(reply, 100))).toMatchObject({ message: 'cancelled' });
  });

  it.each(['content-length', 'chunked'])('tells a body that was cut off (%s)', async (framing) => {
    const server = await serve((_request, response, socket) => {
      response.writeHead(200, framing === 'chunked' ? {} : { 'content-length': '1000' });
      response.write('half', () => socket.destroy());
    });
    const error = await failureOf(get(server.url).then((reply) => readText(reply, 1000)));
    expect(error).toBeInstanceOf(TransportError);
    expect(classifyTransportError(error, 'accepted')).toMatchObject({
      code: 'body_cut_off',
      outcome: 'still_there',
    });
  });

  it('keeps connections, but gives a paid submit a fresh one', async () => {
    const ports: (number | undefined)[] = [];
    const server = await serve((_request, response, socket) => {
      ports.push(socket.remotePort);
      response.end('ok');
    });
    for (const freshConnection of [false, false, true]) {
      await readText(await get(server.url, { freshConnection }), 100);
    }
    expect(ports[1]).toBe(ports[0]);
    expect(ports[2]).not.toBe(ports[0]);
  });

  it('keeps credentials and bodies out of its errors', async () => {
    const server = await serve((_request, _response, socket) => {
      resetConnection(socket);
    });
    const headers = { authorization: 'Key top-secret' };
    const error = await failureOf(
      get(server.url, { method: 'POST', headers, json: { prompt: 'a private prompt' } }),
    );
    const shown = inspect(error, { depth: 12 });
    expect(shown).not.toContain('top-secret');
    expect(shown).not.toContain('private prompt');
  });

  it('reads no more of a body than asked, and calls what is no JSON undefined', async () => {
    const server = await serve((_request, response) => {
      response.end('<html>'.padEnd(500_000, 'x'));
    });
    expect(await readText(await get(server.url), 10)).toBe('<html>xxxx');
    expect(await readJson(await get(server.url))).toBeUndefined();
  });
});
