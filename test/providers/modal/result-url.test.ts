import type { Socket } from 'node:net';
import { runJob } from '../../../src/providers/run-job';
import { providerErrorOf, testCall, testDeadlines } from '../support/call';
import { resetConnection, sendJson, startLocalServer } from '../support/local-server';
import { testPicture } from '../support/pictures';
import { callUrl, LocalModal, modalJob } from './local-modal';

const modal = new LocalModal();
let picture: Buffer;

beforeAll(async () => {
  picture = await testPicture();
});

afterEach(async () => {
  await modal.close();
});

describe('a result URL of Modal', () => {
  it('follows relative and absolute redirects with bodiless GETs, and notes each new result URL', async () => {
    const call = testCall();
    const locations = ['?__modal_function_call_id=fc-1', '?__modal_function_call_id=fc-1', undefined];
    const client = await modal.start(({ method }, response) => {
      if (method === 'POST') locations.unshift(`${modal.url}${callUrl}`);
      const location = locations.shift();
      if (location === undefined) response.end(picture);
      else response.writeHead(303, { location }).end();
    });
    const result = await runJob(client, modalJob, call.context);
    expect(modal.lines()).toEqual(['POST /ryla-flux/flux-dev', ...Array<string>(3).fill(`GET ${callUrl}`)]);
    expect(modal.received[1]?.body).toBe('');
    expect(modal.received[1]?.headers['content-type']).toBeUndefined();
    const handle = { resultUrl: `${modal.url}${callUrl}` };
    expect(call.dispatch.notes).toEqual(['intent', { accepted: handle }]);
    expect(client.goesByKey?.(handle)).toBe(false);
    expect(result.providerRequestId).toBe('fc-1');
    expect(call.dispatch.providerRequestId).toBe('fc-1');
  });

  it('takes no name for the call that could not be stored, and still reads the result', async () => {
    const client = await modal.start(({ method }, response) => {
      if (method !== 'POST') response.end(picture);
      else response.writeHead(303, { location: '?__modal_function_call_id=fc%00' }).end();
    });
    const result = await runJob(client, modalJob, testCall().context);
    expect(result.providerRequestId).toBeUndefined();
    expect(result.assets).toHaveLength(1);
  });

  it('also takes a 202 with a result URL, and a 302', async () => {
    const answers = [202, 302, 200];
    const client = await modal.start((_request, response) => {
      const status = answers.shift();
      if (status === 202) sendJson(response, 202, { result_url: `${modal.url}${callUrl}` });
      else if (status === 302) response.writeHead(302, { location: callUrl }).end();
      else response.end(picture);
    });
    await runJob(client, modalJob, testCall().context);
    expect(modal.lines()).toEqual(['POST /ryla-flux/flux-dev', `GET ${callUrl}`, `GET ${callUrl}`]);
  });

  it('sends proxy credentials to its own host only, and refuses to be led elsewhere', async () => {
    const foreign = await startLocalServer((_request, response) => response.end(picture));
    const client = await modal.start(
      (_request, response) => response.writeHead(303, { location: `${foreign.url}${callUrl}` }).end(),
      { key: 'wk-1', secret: 'ws-1' },
    );
    const error = await providerErrorOf(runJob(client, modalJob, testCall().context));
    await foreign.close();
    expect(error).toMatchObject({ failureClass: 'outage', code: 'redirect_foreign', certainty: 'accepted' });
    expect(modal.received[0]?.headers).toMatchObject({ 'modal-key': 'wk-1', 'modal-secret': 'ws-1' });
    expect(foreign.received).toEqual([]);
  });

  it('gives up on a redirect to nowhere, and after twenty redirects', async () => {
    const nowhere = await modal.start((_request, response) => response.writeHead(303).end());
    expect(await providerErrorOf(runJob(nowhere, modalJob, testCall().context))).toMatchObject({
      failureClass: 'outage',
      code: 'redirect_without_location',
    });
    await modal.close();

    const endless = await modal.start((_request, response) =>
      response.writeHead(303, { location: callUrl }).end(),
    );
    const error = await providerErrorOf(runJob(endless, modalJob, testCall().context));
    expect(error).toMatchObject({
      failureClass: 'outage',
      code: 'redirect_limit',
      certainty: 'accepted',
      endsJob: false,
    });
    expect(modal.received).toHaveLength(21);
  });

  it('asks a pending result URL again a second after its 408', async () => {
    const answers = [303, 408, 200];
    const client = await modal.start((_request, response) => {
      const status = answers.shift();
      if (status === 200) response.end(picture);
      else response.writeHead(status ?? 500, { location: callUrl }).end();
    });
    await runJob(client, modalJob, testCall().context);
    expect(modal.lines()).toEqual(['POST /ryla-flux/flux-dev', `GET ${callUrl}`, `GET ${callUrl}`]);
  });

  it('reads the result URL again when the connection is lost on the way', async () => {
    let reads = 0;
    const client = await modal.start(({ method }, response, socket) => {
      if (method === 'POST') return void response.writeHead(303, { location: callUrl }).end();
      reads += 1;
      if (reads < 3) resetConnection(socket);
      else response.end(picture);
    });
    await runJob(client, modalJob, testCall().context);
    expect(modal.lines().filter((line) => line.startsWith('POST'))).toHaveLength(1);
    expect(reads).toBe(3);
  });

  it('leaves a read that hangs for one on a fresh connection, once, and shows since when it is silent', async () => {
    const deadlines = { ...testDeadlines, idleSeconds: 0.3 };
    const connections = new Set<Socket>();
    const client = await modal.start(({ method }, response, socket) => {
      if (method === 'POST') return void response.writeHead(303, { location: callUrl }).end();
      connections.add(socket);
      if (connections.size === 2) response.end(picture);
    });
    const call = testCall();
    await runJob(client, { ...modalJob, deadlines }, call.context);
    expect(modal.lines()).toEqual(['POST /ryla-flux/flux-dev', ...Array<string>(2).fill(`GET ${callUrl}`)]);
    expect(call.progress.some(({ silentSince }) => silentSince !== undefined)).toBe(true);
    expect(call.progress.at(-1)).toEqual({ phase: 'downloading' });
  });

  it('lets every renewed read hear that Modal works on, however long it works', async () => {
    const deadlines = { ...testDeadlines, firstByteSeconds: 5, idleSeconds: 0.1 };
    let reads = 0;
    const client = await modal.start(({ method }, response) => {
      const redirect = (): void => void response.writeHead(303, { location: callUrl }).end();
      if (method === 'POST') {
        redirect();
        return;
      }
      reads += 1;
      // The first of each pair hangs past the idle time, and so does the renewed one; then Modal answers.
      if (reads === 8) response.end(picture);
      else if (reads % 2 === 0) setTimeout(redirect, 500);
    });
    const result = await runJob(client, { ...modalJob, deadlines }, testCall().context);
    expect(result.assets).toHaveLength(1);
    expect(reads).toBe(8);
  });

  it('gives a result up that stays silent for longer than Modal ever does', async () => {
    const deadlines = { ...testDeadlines, firstByteSeconds: 0.4, idleSeconds: 0.1 };
    const client = await modal.start(({ method }, response) => {
      if (method === 'POST') response.writeHead(303, { location: callUrl }).end();
    });
    const error = await providerErrorOf(runJob(client, { ...modalJob, deadlines }, testCall().context));
    expect(error).toMatchObject({ code: 'no_answer', certainty: 'accepted', endsJob: false });
    // One that is renewed, then as many as a lost connection gets.
    expect(modal.lines()).toEqual(['POST /ryla-flux/flux-dev', ...Array<string>(5).fill(`GET ${callUrl}`)]);
  });

  it('leaves the handle to the next attempt when the result URL stays out of reach', async () => {
    const client = await modal.start(({ method }, response, socket) => {
      if (method === 'POST') response.writeHead(303, { location: callUrl }).end();
      else resetConnection(socket);
    });
    const error = await providerErrorOf(runJob(client, modalJob, testCall().context));
    expect(error).toMatchObject({ code: 'connection_lost', certainty: 'accepted', endsJob: false });
  });

  it('picks an accepted job up with a GET', async () => {
    const client = await modal.start((_request, response) => response.end(picture));
    const handle = { resultUrl: `${modal.url}${callUrl}` };
    const result = await runJob(
      client,
      modalJob,
      testCall({ previous: { phase: 'accepted', handle } }).context,
    );
    expect(modal.lines()).toEqual([`GET ${callUrl}`]);
    expect(result.assets).toHaveLength(1);
  });

  it.each([
    // The address in our configuration changed: the job itself is still there.
    [
      { resultUrl: 'https://elsewhere.example/x' },
      { failureClass: 'auth', certainty: 'accepted', endsJob: false },
    ],
    [{ other: 1 }, { code: 'outcome_unknown', certainty: 'unknown' }],
    [null, { code: 'outcome_unknown', certainty: 'unknown' }],
  ] as const)('asks nobody when the recorded handle is %j', async (handle, failure) => {
    const client = await modal.start((_request, response) => response.end(picture));
    const call = testCall({ previous: { phase: 'accepted', handle } });
    const error = await providerErrorOf(runJob(client, modalJob, call.context));
    expect(error).toMatchObject(failure);
    expect(modal.received).toEqual([]);
  });

  it('lets a cut-off result be read again, however often it is cut off', async () => {
    const client = await modal.start(({ method }, response, socket) => {
      if (method === 'POST') return void response.writeHead(303, { location: callUrl }).end();
      response.writeHead(200, { 'content-length': String(picture.length) });
      response.write(picture.subarray(0, 100), () => socket.destroy());
    });
    const first = testCall();
    const error = await providerErrorOf(runJob(client, modalJob, first.context));
    expect(error).toMatchObject({ failureClass: 'corrupt', code: 'body_cut_off', endsJob: false });
    const second = await providerErrorOf(
      runJob(client, modalJob, testCall({ previous: first.dispatch.state }).context),
    );
    expect(second).toMatchObject({ failureClass: 'corrupt', code: 'body_cut_off', endsJob: false });
    expect(modal.lines().filter((line) => line.startsWith('POST'))).toHaveLength(1);
  });

  it.each([
    [401, 'modal-http: missing credentials', false],
    [403, 'modal-http: forbidden', false],
    [429, 'too many requests', false],
    [500, '<html>gateway</html>', false],
    [502, '<html>gateway</html>', false],
    [503, 'service unavailable', false],
    [504, 'gateway timeout', false],
    [307, '', false],
    [204, '', false],
    [400, '{"detail":"The request could not be processed"}', false],
    [422, '{"detail":"The request could not be processed"}', false],
    [400, '<html>Bad Request</html>', false],
    [404, '{"detail":"Not Found"}', false],
    [404, '{"error":"not found"}', false],
    [404, 'modal-http: app for invoked web endpoint is stopped', false],
    [500, 'modal-http: internal error: the container was terminated', true],
    [500, '{"error":"CUDA error","type":"RuntimeError"}', true],
    [502, '{"detail":"face swap failed"}', true],
    [400, '{"detail":"lora_id is required"}', true],
    [422, '{"detail":[{"loc":["body","prompt"],"msg":"Field required","type":"missing"}]}', true],
    [404, '{"detail":"LoRA not found: character-x.safetensors"}', true],
    [404, 'modal-http: invalid function call', true],
  ])('at a result URL the answer %d %p ends the job: %p', async (status, body, endsJob) => {
    const client = await modal.start((_request, response) => {
      response.writeHead(status).end(body === '' ? undefined : body);
    });
    const handle = { resultUrl: `${modal.url}${callUrl}`, brokenReads: 1 };
    const call = testCall({ previous: { phase: 'accepted', handle } });
    const error = await providerErrorOf(runJob(client, modalJob, call.context));
    expect(error).toMatchObject({ status, certainty: 'accepted', endsJob });
    // No other provider could help with these, and nobody said so of this job.
    if (!endsJob) expect(['input', 'lora', 'policy', 'corrupt']).not.toContain(error.failureClass);
    expect(call.dispatch.notes).toEqual([]);
  });

  it.each([
    [302, undefined, 'redirect_without_location'],
    [302, '/login', 'redirect_unsupported'],
    [303, '/login', 'redirect_unsupported'],
    [307, '/ryla-flux/flux-dev?__modal_function_call_id=fc-1', 'unexpected_status'],
    [303, 'https://elsewhere.example/?__modal_function_call_id=fc-1', 'redirect_foreign'],
  ])('leaves the job open after a %d to %p', async (status, location, code) => {
    const client = await modal.start((_request, response) => {
      response.writeHead(status, location === undefined ? {} : { location }).end();
    });
    const handle = { resultUrl: `${modal.url}${callUrl}` };
    const call = testCall({ previous: { phase: 'accepted', handle } });
    const error = await providerErrorOf(runJob(client, modalJob, call.context));
    expect(error).toMatchObject({ code, certainty: 'accepted', endsJob: false });
  });

  it('takes a picture for truncated when it comes so twice, and the job for over', async () => {
    const client = await modal.start(({ method }, response) => {
      if (method === 'POST') response.writeHead(303, { location: callUrl }).end();
      else response.end(picture.subarray(0, 200));
    });
    const first = testCall();
    const error = await providerErrorOf(runJob(client, modalJob, first.context));
    expect(error).toMatchObject({ code: 'media_truncated', endsJob: false, charge: 'price' });
    const second = testCall({ previous: first.dispatch.state });
    const again = await providerErrorOf(runJob(client, modalJob, second.context));
    expect(again).toMatchObject({ code: 'media_truncated', endsJob: true, charge: 'price' });
  });

  it('says that a cancelled call cannot be stopped once it is known to run', async () => {
    const client = await modal.start(({ method }, response) => {
      if (method === 'POST') response.writeHead(303, { location: callUrl }).end();
    });
    const call = testCall();
    const generating = runJob(client, modalJob, call.context);
    await call.dispatch.reached('accepted');
    call.abort(new Error('cancelled by the user'));
    await expect(generating).rejects.toThrow('cancelled by the user');
    expect(call.stopped).toMatchObject([{ kind: 'unstoppable' }]);
  });
});
