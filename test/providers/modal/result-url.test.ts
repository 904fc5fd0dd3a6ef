import type { Socket } from 'node:net';
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
    const result = await client.generate(modalJob, call.context);
    expect(modal.lines()).toEqual(['POST /ryla-flux/flux-dev', ...Array<string>(3).fill(`GET ${callUrl}`)]);
    expect(modal.received[1]?.body).toBe('');
    expect(modal.received[1]?.headers['content-type']).toBeUndefined();
    expect(call.dispatch.notes).toEqual(['intent', { accepted: { resultUrl: `${modal.url}${callUrl}` } }]);
    expect(result.providerRequestId).toBe('fc-1');
    expect(call.dispatch.providerRequestId).toBe('fc-1');
  });

  it('takes no name for the call that could not be stored, and still reads the result', async () => {
    const client = await modal.start(({ method }, response) => {
      if (method !== 'POST') response.end(picture);
      else response.writeHead(303, { location: '?__modal_function_call_id=fc%00' }).end();
    });
    const result = await client.generate(modalJob, testCall().context);
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
    await client.generate(modalJob, testCall().context);
    expect(modal.lines()).toEqual(['POST /ryla-flux/flux-dev', `GET ${callUrl}`, `GET ${callUrl}`]);
  });

  it('sends proxy credentials to its own host only, and refuses to be led elsewhere', async () => {
    const foreign = await startLocalServer((_request, response) => response.end(picture));
    const client = await modal.start(
      (_request, response) => response.writeHead(303, { location: `${foreign.url}${callUrl}` }).end(),
      { key: 'wk-1', secret: 'ws-1' },
    );
    const error = await providerErrorOf(client.generate(modalJob, testCall().context));
    await foreign.close();
    expect(error).toMatchObject({ failureClass: 'outage', code: 'redirect_foreign', certainty: 'accepted' });
    expect(modal.received[0]?.headers).toMatchObject({ 'modal-key': 'wk-1', 'modal-secret': 'ws-1' });
    expect(foreign.received).toEqual([]);
  });

  it('gives up on a redirect to nowhere, and after twenty redirects', async () => {
    const nowhere = await modal.start((_request, response) => response.writeHead(303).end());
    expect(await providerErrorOf(nowhere.generate(modalJob, testCall().context))).toMatchObject({
      failureClass: 'outage',
      code: 'redirect_without_location',
    });
    await modal.close();

    const endless = await modal.start((_request, response) =>
      response.writeHead(303, { location: callUrl }).end(),
    );
    const error = await providerErrorOf(endless.generate(modalJob, testCall().context));
    expect(error).toMatchObject({
      failureClass: 'outage',
      code: 'redirect_limit',
      certainty: 'accepted',
      resumable: true,
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
    await client.generate(modalJob, testCall().context);
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
    await client.generate(modalJob, testCall().context);
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
    await client.generate({ ...modalJob, deadlines }, call.context);
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
    const result = await client.generate({ ...modalJob, deadlines }, testCall().context);
    expect(result.assets).toHaveLength(1);
    expect(reads).toBe(8);
  });

  it('gives a result up that stays silent for longer than Modal ever does', async () => {
    const deadlines = { ...testDeadlines, firstByteSeconds: 0.4, idleSeconds: 0.1 };
    const client = await modal.start(({ method }, response) => {
      if (method === 'POST') response.writeHead(303, { location: callUrl }).end();
    });
    const error = await providerErrorOf(client.generate({ ...modalJob, deadlines }, testCall().context));
    expect(error).toMatchObject({ code: 'deadline_exceeded', certainty: 'accepted', resumable: true });
    // One that is renewed, then as many as a lost connection gets.
    expect(modal.lines()).toEqual(['POST /ryla-flux/flux-dev', ...Array<string>(5).fill(`GET ${callUrl}`)]);
  });

  it('leaves the handle to the next attempt when the result URL stays out of reach', async () => {
    const client = await modal.start(({ method }, response, socket) => {
      if (method === 'POST') response.writeHead(303, { location: callUrl }).end();
      else resetConnection(socket);
    });
    const error = await providerErrorOf(client.generate(modalJob, testCall().context));
    expect(error).toMatchObject({ code: 'connection_lost', certainty: 'accepted', resumable: true });
  });

  it('picks an accepted job up with a GET', async () => {
    const client = await modal.start((_request, response) => response.end(picture));
    const handle = { resultUrl: `${modal.url}${callUrl}` };
    const result = await client.generate(
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
      { failureClass: 'auth', certainty: 'accepted', resumable: true },
    ],
    [{ other: 1 }, { code: 'outcome_unknown', certainty: 'unknown' }],
    [null, { code: 'outcome_unknown', certainty: 'unknown' }],
  ] as const)('asks nobody when the recorded handle is %j', async (handle, failure) => {
    const client = await modal.start((_request, response) => response.end(picture));
    const call = testCall({ previous: { phase: 'accepted', handle } });
    const error = await providerErrorOf(client.generate(modalJob, call.context));
    expect(error).toMatchObject(failure);
    expect(modal.received).toEqual([]);
  });

  it('lets a cut-off result be read once more, and then starts anew', async () => {
    const client = await modal.start(({ method }, response, socket) => {
      if (method === 'POST') return void response.writeHead(303, { location: callUrl }).end();
      response.writeHead(200, { 'content-length': String(picture.length) });
      response.write(picture.subarray(0, 100), () => socket.destroy());
    });
    const first = testCall();
    const error = await providerErrorOf(client.generate(modalJob, first.context));
    expect(error).toMatchObject({ failureClass: 'corrupt', code: 'body_cut_off', resumable: true });
    const second = await providerErrorOf(
      client.generate(modalJob, testCall({ previous: first.dispatch.state }).context),
    );
    expect(second).toMatchObject({ failureClass: 'corrupt', resumable: false });
    expect(modal.lines().filter((line) => line.startsWith('POST'))).toHaveLength(1);
  });

  it.each([
    [401, 'modal-http: missing credentials', true],
    [403, 'modal-http: forbidden', true],
    [429, 'too many requests', true],
    [500, '<html>gateway</html>', true],
    [502, '<html>gateway</html>', true],
    [503, 'service unavailable', true],
    [504, 'gateway timeout', true],
    [500, 'modal-http: internal error: the container was terminated', false],
    [500, '{"error":"CUDA error","type":"RuntimeError"}', false],
    [404, 'modal-http: invalid function call', false],
  ])('reads a result URL again after the answer %d %p: %p', async (status, body, resumable) => {
    const client = await modal.start((_request, response) => response.writeHead(status).end(body));
    const handle = { resultUrl: `${modal.url}${callUrl}`, brokenReads: 1 };
    const call = testCall({ previous: { phase: 'accepted', handle } });
    const error = await providerErrorOf(client.generate(modalJob, call.context));
    expect(error).toMatchObject({ status, certainty: 'accepted', resumable });
    expect(call.dispatch.notes).toEqual([{ accepted: handle }]);
  });

  it('says what a cancelled call costs once it is known to run', async () => {
    const client = await modal.start(({ method }, response) => {
      if (method === 'POST') response.writeHead(303, { location: callUrl }).end();
    });
    const call = testCall();
    const generating = client.generate(modalJob, call.context);
    await call.dispatch.reached('accepted');
    call.abort(new Error('cancelled by the user'));
    await expect(generating).rejects.toThrow('cancelled by the user');
    expect(call.stopped).toEqual(['price']);
  });
});
