import { EventEmitter, once } from 'node:events';
import { runJob } from '../../../src/providers/run-job';
import type { ProviderJob } from '../../../src/providers/types';
import { providerErrorOf, testCall, testDeadlines } from '../support/call';
import { resetConnection, sendJson } from '../support/local-server';
import { testPicture } from '../support/pictures';
import { LocalModal, modalJob } from './local-modal';

const modal = new LocalModal();
let picture: Buffer;

beforeAll(async () => {
  picture = await testPicture();
});

afterEach(async () => {
  await modal.close();
});

describe('calling Modal', () => {
  it('notes the intent before it pays, and stores the bytes under their true type', async () => {
    const call = testCall();
    const notesAtPost: unknown[] = [];
    const client = await modal.start((_request, response) => {
      notesAtPost.push(...call.dispatch.notes);
      response.writeHead(200, { 'content-type': 'image/jpeg', 'x-cost-usd': '0.020054' }).end(picture);
    });
    const result = await runJob(client, modalJob, call.context);
    expect(notesAtPost).toEqual(['intent']);
    expect(result).toMatchObject({ assets: [{ mediaType: 'image/png' }], costUsd: 0.020054 });
    expect(modal.received).toMatchObject([{ method: 'POST', body: JSON.stringify(modalJob.parameters) }]);
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
    const client = await modal.start((_request, response) => response.end(picture));
    await runJob(client, { ...modalJob, inputs }, call.context);
    const base64 = picture.toString('base64');
    expect(JSON.parse(modal.received[0]?.body ?? '')).toEqual({
      prompt: 'a red door',
      reference_image: `data:image/png;base64,${base64}`,
      reference_videos: [`data:image/png;base64,${base64}`],
      image: base64,
    });
  });

  it('pays nothing when an input picture is gone', async () => {
    const call = testCall();
    const client = await modal.start((_request, response) => response.end(picture));
    const inputs: ProviderJob['inputs'] = [
      { field: 'image', assetId: 'gone', mediaType: 'image/png', encoding: 'data-url', shape: 'value' },
    ];
    const error = await providerErrorOf(runJob(client, { ...modalJob, inputs }, call.context));
    expect(error).toMatchObject({ failureClass: 'input', certainty: 'not_sent' });
    expect(call.dispatch.notes).toEqual([]);
    expect(modal.received).toEqual([]);
  });

  it('sends no credentials when there are none', async () => {
    const client = await modal.start((_request, response) => response.end(picture));
    await runJob(client, modalJob, testCall().context);
    expect(Object.keys(modal.received[0]?.headers ?? {})).not.toContain('modal-key');
  });

  it('never posts twice: a 408 or a lost connection on the POST is for the next attempt', async () => {
    const late = await modal.start((_request, response) => response.writeHead(408).end('timeout'));
    expect(await providerErrorOf(runJob(late, modalJob, testCall().context))).toMatchObject({
      code: 'request_timeout',
    });
    expect(modal.received).toHaveLength(1);
    await modal.close();

    const lost = await modal.start((_request, _response, socket) => {
      resetConnection(socket);
    });
    const error = await providerErrorOf(runJob(lost, modalJob, testCall().context));
    expect(error).toMatchObject({ failureClass: 'transient', code: 'connection_lost', certainty: 'unknown' });
    expect(modal.received).toHaveLength(1);
  });

  it('does not pay again for a submit whose outcome nobody knows', async () => {
    const client = await modal.start((_request, response) => response.end(picture));
    const error = await providerErrorOf(
      runJob(client, modalJob, testCall({ previous: { phase: 'intent' } }).context),
    );
    expect(error).toMatchObject({ failureClass: 'transient', code: 'outcome_unknown', certainty: 'unknown' });
    expect(modal.received).toEqual([]);
  });

  it("drops the connection and rejects with the caller's reason on abort", async () => {
    const call = testCall();
    const connections = new EventEmitter();
    const dropped = once(connections, 'dropped');
    const client = await modal.start((_request, _response, socket) => {
      socket.once('close', () => connections.emit('dropped'));
      call.abort(new Error('cancelled by the user'));
    });
    await expect(runJob(client, modalJob, call.context)).rejects.toThrow('cancelled by the user');
    await dropped;
  });

  it('ends at its own deadlines', async () => {
    const silent = await modal.start(() => undefined);
    const firstByte = { ...modalJob, deadlines: { ...testDeadlines, firstByteSeconds: 0.1 } };
    const expected = { failureClass: 'transient', certainty: 'unknown' };
    expect(await providerErrorOf(runJob(silent, firstByte, testCall().context))).toMatchObject({
      ...{ ...expected, code: 'no_answer' },
    });
    const total = { ...modalJob, deadlines: { ...testDeadlines, totalSeconds: 0.1 } };
    expect(await providerErrorOf(runJob(silent, total, testCall().context))).toMatchObject({
      ...{ ...expected, code: 'deadline_exceeded' },
    });
    await modal.close();

    const dripping = await modal.start((_request, response) => {
      response.write(picture.subarray(0, 20));
    });
    const idle = { ...modalJob, deadlines: { ...testDeadlines, idleSeconds: 0.1 } };
    const error = await providerErrorOf(runJob(dripping, idle, testCall().context));
    expect(error).toMatchObject({
      failureClass: 'corrupt',
      code: 'body_stalled',
      certainty: 'unknown',
    });
  });

  it('shows since when Modal says nothing while it works, within the idle time', async () => {
    const sayings = new EventEmitter();
    const client = await modal.start((_request, response) => {
      sayings.once('silence', () => response.end(picture));
    });
    const call = testCall();
    const { onProgress } = call.context;
    call.context.onProgress = (step) => {
      onProgress(step);
      if (step.silentSince !== undefined) sayings.emit('silence');
    };
    const deadlines = { ...testDeadlines, idleSeconds: 0.3 };
    const before = Date.now();
    await runJob(client, { ...modalJob, deadlines }, call.context);
    const since = Date.parse(call.progress.find(({ silentSince }) => silentSince)?.silentSince ?? '');
    expect(since).toBeGreaterThanOrEqual(before);
    expect(call.progress.map(({ phase }) => phase)).toEqual(['running', 'running', 'running', 'downloading']);
    expect(call.progress.at(-2)).toEqual({ phase: 'running' });
  });

  it.each(['NaN', '-1', '', '1e999', 'Infinity', '0x10'])('ignores a cost of %p', async (cost) => {
    const client = await modal.start((_request, response) => {
      response.writeHead(200, { 'x-cost-usd': cost, 'x-execution-time-sec': '36.500' }).end(picture);
    });
    const result = await runJob(client, modalJob, testCall().context);
    expect(result.costUsd).toBeUndefined();
    expect(result.executionSeconds).toBe(36.5);
  });

  it.each([{ app: undefined }, { app: '../x' }, { endpoint: 'flux-dev' }])(
    'sends nothing for the route %j',
    async (route) => {
      const client = await modal.start((_request, response) => response.end(picture));
      const error = await providerErrorOf(runJob(client, { ...modalJob, ...route }, testCall().context));
      expect(error).toMatchObject({ failureClass: 'auth', certainty: 'not_sent' });
      expect(modal.received).toEqual([]);
    },
  );

  it('reports its health per app, and never throws', async () => {
    const client = await modal.start(({ path }, response) => {
      if (path === '/ryla-wan26/health') sendJson(response, 503, { status: 'healthy' });
      else if (path === '/ryla-z-image/health') sendJson(response, 200, { status: 'starting' });
      else sendJson(response, 200, { status: 'healthy', app: 'ryla-flux' });
    });
    const { signal } = new AbortController();
    expect(await client.checkHealth({ signal })).toEqual({
      healthy: true,
      status: 200,
      detail: 'ryla-flux answered 200',
      named: false,
    });
    expect(await client.checkHealth({ signal, app: 'ryla-wan26' })).toMatchObject({ healthy: false });
    expect(await client.checkHealth({ signal, app: 'ryla-z-image' })).toMatchObject({ healthy: false });
    await modal.close();
    expect(await client.checkHealth({ signal })).toMatchObject({ healthy: false });
  });

  it.each([
    ['?__modal_function_call_id=fc-1', true],
    ['https://status.example/maintenance', false],
    [undefined, false],
  ])('takes a redirect to %p for the word of an app that is busy: %p', async (location, healthy) => {
    const client = await modal.start((_request, response) => {
      response.writeHead(303, location === undefined ? {} : { location }).end();
    });
    const { signal } = new AbortController();
    expect(await client.checkHealth({ signal, patienceSeconds: 170 })).toMatchObject({
      healthy,
      status: 303,
    });
  });

  it('tells an app that is starting from one that answers with an error', async () => {
    const client = await modal.start(({ path }, response) => {
      if (path === '/ryla-wan26/health') sendJson(response, 502, {});
    });
    const { signal } = new AbortController();
    expect(await client.checkHealth({ signal })).toMatchObject({ healthy: false, isSilent: true });
    const refused = await client.checkHealth({ signal, app: 'ryla-wan26' });
    expect(refused).toMatchObject({ healthy: false });
    expect(refused.isSilent).toBeUndefined();
  }, 15_000);
});
