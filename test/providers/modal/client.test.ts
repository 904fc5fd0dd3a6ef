import { EventEmitter, once } from 'node:events';
import { createModalClient } from '../../../src/providers/modal/client';
import type { ProviderJob } from '../../../src/providers/types';
import { providerErrorOf, testCall, testDeadlines, testJob } from '../support/call';
import {
  resetConnection,
  sendJson,
  startLocalServer,
  type LocalServer,
  type Responder,
} from '../support/local-server';
import { testPicture } from '../support/pictures';

const job = testJob({ app: 'ryla-flux', endpoint: '/flux-dev' });
const callUrl = '/ryla-flux/flux-dev?__modal_function_call_id=fc-1';
let server: LocalServer;
let picture: Buffer;

async function start(respond: Responder, credentials: { key?: string; secret?: string } = {}) {
  server = await startLocalServer(respond);
  return createModalClient({ baseUrl: `${server.url}/{app}`, ...credentials });
}

/** Requests as the server saw them, such as `POST /ryla-flux/flux-dev`. */
function lines(): string[] {
  return server.received.map(({ method, path }) => `${method} ${path}`);
}

beforeAll(async () => {
  picture = await testPicture();
});

afterEach(async () => {
  await server.close();
});

describe('the Modal client', () => {
  it('notes the intent before it pays, and stores the bytes under their true type', async () => {
    const call = testCall();
    const notesAtPost: unknown[] = [];
    const client = await start((_request, response) => {
      notesAtPost.push(...call.dispatch.notes);
      response.writeHead(200, { 'content-type': 'image/jpeg', 'x-cost-usd': '0.020054' }).end(picture);
    });
    const result = await client.generate(job, call.context);
    expect(notesAtPost).toEqual(['intent']);
    expect(result).toMatchObject({ assets: [{ mediaType: 'image/png' }], costUsd: 0.020054 });
    expect(server.received).toMatchObject([{ method: 'POST', body: JSON.stringify(job.parameters) }]);
  });

  it('puts input pictures into the body, as a data URL, a list or bare base64', async () => {
    const call = testCall();
    const assetId = call.media.add(picture, 'image/png');
    const input = { assetId, mediaType: 'image/png' };
    const inputs: ProviderJob['inputs'] = [
      { ...input, field: 'reference_image', encoding: 'data-url', shape: 'value' },
      { ...input, field: 'reference_videos', encoding: 'data-url', shape: 'list' },
      { ...input, field: 'image', encoding: 'base64', shape: 'value' },
    ];
    const client = await start((_request, response) => response.end(picture));
    await client.generate({ ...job, inputs }, call.context);
    const base64 = picture.toString('base64');
    expect(JSON.parse(server.received[0]?.body ?? '')).toEqual({
      prompt: 'a red door',
      reference_image: `data:image/png;base64,${base64}`,
      reference_videos: [`data:image/png;base64,${base64}`],
      image: base64,
    });
  });

  it('pays nothing when an input picture is gone', async () => {
    const call = testCall();
    const client = await start((_request, response) => response.end(picture));
    const inputs: ProviderJob['inputs'] = [
      { field: 'image', assetId: 'gone', mediaType: 'image/png', encoding: 'data-url', shape: 'value' },
    ];
    const error = await providerErrorOf(client.generate({ ...job, inputs }, call.context));
    expect(error).toMatchObject({ failureClass: 'input', certainty: 'not_sent' });
    expect(call.dispatch.notes).toEqual([]);
    expect(server.received).toEqual([]);
  });

  it('follows relative and absolute redirects with bodiless GETs, and notes each new result URL', async () => {
    const call = testCall();
    const locations = ['?__modal_function_call_id=fc-1', '?__modal_function_call_id=fc-1', undefined];
    const client = await start(({ method }, response) => {
      if (method === 'POST') locations.unshift(`${server.url}${callUrl}`);
      const location = locations.shift();
      if (location === undefined) response.end(picture);
      else response.writeHead(303, { location }).end();
    });
    const result = await client.generate(job, call.context);
    expect(lines()).toEqual(['POST /ryla-flux/flux-dev', ...Array<string>(3).fill(`GET ${callUrl}`)]);
    expect(server.received[1]).toMatchObject({
      body: '',
      headers: expect.not.objectContaining({ 'content-type': expect.anything() }),
    });
    expect(call.dispatch.notes).toEqual(['intent', { accepted: { resultUrl: `${server.url}${callUrl}` } }]);
    expect(result.providerRequestId).toBe('fc-1');
  });

  it('also takes a 202 with a result URL, and a 302', async () => {
    const answers = [202, 302, 200];
    const client = await start((_request, response) => {
      const status = answers.shift();
      if (status === 202) sendJson(response, 202, { result_url: `${server.url}${callUrl}` });
      else if (status === 302) response.writeHead(302, { location: callUrl }).end();
      else response.end(picture);
    });
    await client.generate(job, testCall().context);
    expect(lines()).toEqual(['POST /ryla-flux/flux-dev', `GET ${callUrl}`, `GET ${callUrl}`]);
  });

  it('sends proxy credentials to its own host only, and refuses to be led elsewhere', async () => {
    const foreign = await startLocalServer((_request, response) => response.end(picture));
    const client = await start(
      (_request, response) => response.writeHead(303, { location: `${foreign.url}${callUrl}` }).end(),
      { key: 'wk-1', secret: 'ws-1' },
    );
    const error = await providerErrorOf(client.generate(job, testCall().context));
    await foreign.close();
    expect(error).toMatchObject({ failureClass: 'outage', code: 'redirect_foreign', certainty: 'accepted' });
    expect(server.received[0]?.headers).toMatchObject({ 'modal-key': 'wk-1', 'modal-secret': 'ws-1' });
    expect(foreign.received).toEqual([]);
  });

  it('sends no credentials when there are none', async () => {
    const client = await start((_request, response) => response.end(picture));
    await client.generate(job, testCall().context);
    expect(Object.keys(server.received[0]?.headers ?? {})).not.toContain('modal-key');
  });

  it('gives up on a redirect to nowhere, and after twenty redirects', async () => {
    const nowhere = await start((_request, response) => response.writeHead(303).end());
    expect(await providerErrorOf(nowhere.generate(job, testCall().context))).toMatchObject({
      failureClass: 'outage',
      code: 'redirect_without_location',
    });
    await server.close();

    const endless = await start((_request, response) => response.writeHead(303, { location: callUrl }).end());
    const error = await providerErrorOf(endless.generate(job, testCall().context));
    expect(error).toMatchObject({ failureClass: 'outage', code: 'redirect_limit', certainty: 'accepted' });
    expect(server.received).toHaveLength(21);
  });

  it('asks a pending result URL again a second after its 408', async () => {
    const answers = [303, 408, 200];
    const client = await start((_request, response) => {
      const status = answers.shift();
      if (status === 200) response.end(picture);
      else response.writeHead(status ?? 500, { location: callUrl }).end();
    });
    await client.generate(job, testCall().context);
    expect(lines()).toEqual(['POST /ryla-flux/flux-dev', `GET ${callUrl}`, `GET ${callUrl}`]);
  });

  it('never posts twice: a 408 or a lost connection on the POST is for the next attempt', async () => {
    const late = await start((_request, response) => response.writeHead(408).end('timeout'));
    expect(await providerErrorOf(late.generate(job, testCall().context))).toMatchObject({
      code: 'request_timeout',
    });
    expect(server.received).toHaveLength(1);
    await server.close();

    const lost = await start((_request, _response, socket) => {
      resetConnection(socket);
    });
    const error = await providerErrorOf(lost.generate(job, testCall().context));
    expect(error).toMatchObject({ failureClass: 'transient', code: 'connection_lost', certainty: 'unknown' });
    expect(server.received).toHaveLength(1);
  });

  it('reads the result URL again when the connection is lost on the way', async () => {
    let reads = 0;
    const client = await start(({ method }, response, socket) => {
      if (method === 'POST') return void response.writeHead(303, { location: callUrl }).end();
      reads += 1;
      if (reads < 3) return void resetConnection(socket);
      response.end(picture);
    });
    await client.generate(job, testCall().context);
    expect(lines().filter((line) => line.startsWith('POST'))).toHaveLength(1);
    expect(reads).toBe(3);
  });

  it('leaves the handle to the next attempt when the result URL stays out of reach', async () => {
    const client = await start(({ method }, response, socket) => {
      if (method === 'POST') response.writeHead(303, { location: callUrl }).end();
      else resetConnection(socket);
    });
    const error = await providerErrorOf(client.generate(job, testCall().context));
    expect(error).toMatchObject({ code: 'connection_lost', certainty: 'accepted', resumable: true });
  });

  it('picks an accepted job up with a GET', async () => {
    const client = await start((_request, response) => response.end(picture));
    const handle = { resultUrl: `${server.url}${callUrl}` };
    const result = await client.generate(job, testCall({ previous: { phase: 'accepted', handle } }).context);
    expect(lines()).toEqual([`GET ${callUrl}`]);
    expect(result.assets).toHaveLength(1);
  });

  it.each([{ resultUrl: 'https://elsewhere.example/x' }, { other: 1 }, null])(
    'asks nobody when the recorded handle is %j',
    async (handle) => {
      const client = await start((_request, response) => response.end(picture));
      const call = testCall({ previous: { phase: 'accepted', handle } });
      const error = await providerErrorOf(client.generate(job, call.context));
      expect(error).toMatchObject({ failureClass: 'outage', certainty: 'accepted', resumable: false });
      expect(server.received).toEqual([]);
    },
  );

  it('does not pay again for a submit whose outcome nobody knows', async () => {
    const client = await start((_request, response) => response.end(picture));
    const error = await providerErrorOf(
      client.generate(job, testCall({ previous: { phase: 'intent' } }).context),
    );
    expect(error).toMatchObject({ failureClass: 'transient', code: 'outcome_unknown', certainty: 'unknown' });
    expect(server.received).toEqual([]);
  });

  it('lets a cut-off result be read once more, and then starts anew', async () => {
    const client = await start(({ method }, response, socket) => {
      if (method === 'POST') return void response.writeHead(303, { location: callUrl }).end();
      response.writeHead(200, { 'content-length': String(picture.length) });
      response.write(picture.subarray(0, 100), () => socket.destroy());
    });
    const first = testCall();
    const error = await providerErrorOf(client.generate(job, first.context));
    expect(error).toMatchObject({ failureClass: 'corrupt', code: 'body_cut_off', resumable: true });
    const second = await providerErrorOf(
      client.generate(job, testCall({ previous: first.dispatch.state }).context),
    );
    expect(second).toMatchObject({ failureClass: 'corrupt', resumable: false });
    expect(lines().filter((line) => line.startsWith('POST'))).toHaveLength(1);
  });

  it("drops the connection and rejects with the caller's reason on abort", async () => {
    const call = testCall();
    const connections = new EventEmitter();
    const dropped = once(connections, 'dropped');
    const client = await start((_request, _response, socket) => {
      socket.once('close', () => connections.emit('dropped'));
      call.abort(new Error('cancelled by the user'));
    });
    await expect(client.generate(job, call.context)).rejects.toThrow('cancelled by the user');
    await dropped;
  });

  it('ends at its own deadlines', async () => {
    const silent = await start(() => undefined);
    const firstByte = { ...job, deadlines: { ...testDeadlines, firstByteSeconds: 0.1 } };
    const expected = { failureClass: 'transient', code: 'deadline_exceeded', certainty: 'unknown' };
    expect(await providerErrorOf(silent.generate(firstByte, testCall().context))).toMatchObject(expected);
    const total = { ...job, deadlines: { ...testDeadlines, totalSeconds: 0.1 } };
    expect(await providerErrorOf(silent.generate(total, testCall().context))).toMatchObject(expected);
    await server.close();

    const dripping = await start((_request, response) => {
      response.write(picture.subarray(0, 20));
    });
    const idle = { ...job, deadlines: { ...testDeadlines, idleSeconds: 0.1 } };
    const error = await providerErrorOf(dripping.generate(idle, testCall().context));
    expect(error).toMatchObject({
      failureClass: 'transient',
      code: 'deadline_exceeded',
      certainty: 'accepted',
    });
  });

  it.each(['NaN', '-1', '', '1e999', 'Infinity', '0x10'])('ignores a cost of %p', async (cost) => {
    const client = await start((_request, response) => {
      response.writeHead(200, { 'x-cost-usd': cost, 'x-execution-time-sec': '36.500' }).end(picture);
    });
    const result = await client.generate(job, testCall().context);
    expect(result.costUsd).toBeUndefined();
    expect(result.executionSeconds).toBe(36.5);
  });

  it.each([{ app: undefined }, { app: '../x' }, { endpoint: 'flux-dev' }])(
    'sends nothing for the route %j',
    async (route) => {
      const client = await start((_request, response) => response.end(picture));
      const error = await providerErrorOf(client.generate({ ...job, ...route }, testCall().context));
      expect(error).toMatchObject({ failureClass: 'auth', certainty: 'not_sent' });
      expect(server.received).toEqual([]);
    },
  );

  it('reports its health per app, and never throws', async () => {
    const client = await start(({ path }, response) => {
      if (path === '/ryla-wan26/health') response.writeHead(503).end('down');
      else sendJson(response, 200, { status: 'healthy', app: 'ryla-flux' });
    });
    const { signal } = new AbortController();
    expect(await client.checkHealth({ signal })).toEqual({ healthy: true, detail: 'ryla-flux answered 200' });
    expect(await client.checkHealth({ signal, app: 'ryla-wan26' })).toMatchObject({ healthy: false });
    await server.close();
    expect(await client.checkHealth({ signal })).toMatchObject({ healthy: false });
  });
});
