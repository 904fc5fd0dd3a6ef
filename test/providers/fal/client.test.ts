import { createFalClient } from '../../../src/providers/fal/client';
import type { ProviderJob } from '../../../src/providers/types';
import { providerErrorOf, testCall, testDeadlines, testJob } from '../support/call';
import {
  resetConnection,
  sendJson,
  startLocalServer,
  type LocalServer,
  type ReceivedRequest,
  type Responder,
} from '../support/local-server';
import { blackPicture, testPicture } from '../support/pictures';

const job = testJob({
  endpoint: 'fal-ai/flux/dev',
  parameters: { prompt: 'a red door', enable_safety_checker: true },
});
const base = '/queue/fal-ai/flux/requests/r1';
let server: LocalServer;
let picture: Buffer;

/** A Fal of one job: the answers by request line, over those of a job that goes well. */
type Answers = Record<string, (response: Parameters<Responder>[1], request: ReceivedRequest) => void>;

async function start(answers: Answers = {}) {
  server = await startLocalServer((request, response) => {
    const line = `${request.method} ${request.path}`;
    const answer = answers[line] ?? happyAnswers()[line];
    if (answer === undefined) sendJson(response, 404, { detail: 'not here' });
    else answer(response, request);
  });
  return createFalClient({
    queueUrl: `${server.url}/queue`,
    restUrl: `${server.url}/rest`,
    key: 'id:secret',
    mediaHosts: [new URL(server.url).host],
    firstPollPauseMs: 20,
  });
}

function happyAnswers(): Answers {
  return {
    'POST /queue/fal-ai/flux/dev': (response) => {
      sendJson(response, 200, { status: 'IN_QUEUE', queue_position: 0, ...urls() });
    },
    [`GET ${base}/status`]: (response) => {
      sendJson(response, 200, { status: 'COMPLETED', metrics: { inference_time: 1.25 } });
    },
    [`GET ${base}`]: (response) => {
      sendJson(response, 200, { images: [{ url: `${server.url}/files/1.png` }], has_nsfw_concepts: [false] });
    },
    'GET /files/1.png': (response) => response.end(picture),
    'GET /files/2.png': (response) => response.end(picture),
    [`PUT ${base}/cancel`]: (response) => {
      sendJson(response, 202, { status: 'CANCELLATION_REQUESTED' });
    },
  };
}

function urls() {
  return {
    request_id: 'r1',
    response_url: `${server.url}${base}`,
    status_url: `${server.url}${base}/status`,
    cancel_url: `${server.url}${base}/cancel`,
  };
}

function handle() {
  const { request_id, response_url, status_url, cancel_url } = urls();
  return {
    requestId: request_id,
    statusUrl: status_url,
    responseUrl: response_url,
    cancelUrl: cancel_url,
    endpoint: 'fal-ai/flux/dev',
  };
}

function lines(): string[] {
  return server.received.map(({ method, path }) => `${method} ${path}`);
}

/** Answers with each body in turn, the last one for ever. */
function inTurn(...bodies: [number, unknown][]): Answers[string] {
  return (response) => {
    const [status, body] = (bodies.length > 1 ? bodies.shift() : bodies[0]) ?? [500, {}];
    sendJson(response, status, body);
  };
}

beforeAll(async () => {
  picture = await testPicture();
});

afterEach(async () => {
  await server.close();
});

describe('the Fal client', () => {
  it('submits once, notes the handle, polls the returned URLs and stores the picture', async () => {
    const call = testCall();
    const client = await start({
      [`GET ${base}/status`]: inTurn(
        [202, { status: 'IN_QUEUE', queue_position: 3 }],
        [202, { status: 'IN_PROGRESS', logs: [] }],
        [200, { status: 'COMPLETED', metrics: { inference_time: 1.25 } }],
      ),
    });
    const result = await client.generate(job, call.context);
    expect(result).toMatchObject({
      assets: [{ mediaType: 'image/png' }],
      executionSeconds: 1.25,
      providerRequestId: 'r1',
    });
    expect(result.costUsd).toBeUndefined();
    expect(call.dispatch.notes).toEqual(['intent', { accepted: handle() }]);
    expect(call.progress).toEqual([
      { phase: 'queued', queuePosition: 3 },
      { phase: 'running', queuePosition: undefined },
      { phase: 'downloading' },
    ]);
    expect(lines().filter((line) => line.startsWith('POST'))).toHaveLength(1);
    expect(JSON.parse(server.received[0]?.body ?? '')).toEqual(job.parameters);
  });

  it('sends its key to the queue, and to no media host', async () => {
    const client = await start();
    await client.generate(job, testCall().context);
    const keyOf = (path: string) =>
      server.received.find((request) => request.path === path)?.headers.authorization;
    expect(keyOf('/queue/fal-ai/flux/dev')).toBe('Key id:secret');
    expect(keyOf(`${base}/status`)).toBe('Key id:secret');
    expect(keyOf('/files/1.png')).toBeUndefined();
  });

  it('uploads input pictures before it pays, without its key on the PUT', async () => {
    const call = testCall();
    const client = await start({
      'POST /rest/storage/upload/initiate?storage_type=fal-cdn-v3': (response, { body }) => {
        expect(JSON.parse(body)).toMatchObject({ content_type: 'image/png' });
        sendJson(response, 200, {
          upload_url: `${server.url}/put/1`,
          file_url: `${server.url}/files/in.png`,
        });
      },
      'PUT /put/1': (response) => response.end(),
    });
    const input = {
      assetId: call.media.add(picture, 'image/png'),
      mediaType: 'image/png',
      encoding: 'url',
    } as const;
    const inputs: ProviderJob['inputs'] = [
      { ...input, field: 'reference_image_url', shape: 'value' },
      { ...input, field: 'image_urls', shape: 'list' },
      { ...input, field: 'image_urls', shape: 'list' },
      { ...input, field: 'reference_images', shape: 'image-url-objects' },
    ];
    await client.generate({ ...job, inputs }, call.context);
    const put = server.received.find(({ method }) => method === 'PUT');
    expect(put?.headers).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(picture.length),
    });
    expect(put?.headers.authorization).toBeUndefined();
    const url = `${server.url}/files/in.png`;
    const submitted = server.received.find(({ path }) => path === '/queue/fal-ai/flux/dev');
    expect(JSON.parse(submitted?.body ?? '')).toEqual({
      ...job.parameters,
      reference_image_url: url,
      image_urls: [url, url],
      reference_images: [{ image_url: url }],
    });
    expect(call.progress[0]).toEqual({ phase: 'uploading' });
  });

  it.each([
    ['foreign', 200, { failureClass: 'outage', code: 'upload_host_foreign' }],
    ['failing', 500, { failureClass: 'transient', code: 'upload_failed' }],
  ])('pays nothing when the place to upload to is %s', async (place, putStatus, expected) => {
    const call = testCall();
    const foreign = await startLocalServer((_request, response) => response.end());
    const client = await start({
      'POST /rest/storage/upload/initiate?storage_type=fal-cdn-v3': (response) => {
        const host = place === 'foreign' ? foreign.url : server.url;
        sendJson(response, 200, { upload_url: `${host}/put/1`, file_url: `${server.url}/files/in.png` });
      },
      'PUT /put/1': (response) => response.writeHead(putStatus).end(),
    });
    const assetId = call.media.add(picture, 'image/png');
    const inputs: ProviderJob['inputs'] = [
      { assetId, mediaType: 'image/png', field: 'image_url', encoding: 'url', shape: 'value' },
    ];
    const error = await providerErrorOf(client.generate({ ...job, inputs }, call.context));
    await foreign.close();
    expect(error).toMatchObject({ ...expected, certainty: 'not_sent' });
    expect(foreign.received).toEqual([]);
    expect(call.dispatch.notes).toEqual([]);
    expect(lines()).not.toContain('POST /queue/fal-ai/flux/dev');
  });

  it.each([false, null, 'true'])(
    'sends nothing when the safety checker is %j',
    async (enable_safety_checker) => {
      const client = await start();
      const parameters = { ...job.parameters, enable_safety_checker };
      const error = await providerErrorOf(client.generate({ ...job, parameters }, testCall().context));
      expect(error).toMatchObject({ failureClass: 'policy', certainty: 'not_sent' });
      expect(server.received).toEqual([]);
    },
  );

  it('follows no URL to another host with its key', async () => {
    const foreign = await startLocalServer((_request, response) => response.end());
    const client = await start({
      'POST /queue/fal-ai/flux/dev': (response) => {
        sendJson(response, 200, { ...urls(), status_url: `${foreign.url}${base}/status` });
      },
    });
    const error = await providerErrorOf(client.generate(job, testCall().context));
    await foreign.close();
    expect(error).toMatchObject({ failureClass: 'outage', code: 'url_foreign', certainty: 'accepted' });
    expect(foreign.received).toEqual([]);
  });

  it.each(['http://elsewhere.example/a.png', 'data:image/png;base64,AAAA', 'not a url'])(
    'fetches no picture from %p',
    async (url) => {
      const client = await start({ [`GET ${base}`]: inTurn([200, { image: { url } }]) });
      const error = await providerErrorOf(client.generate(job, testCall().context));
      expect(error).toMatchObject({
        failureClass: 'outage',
        code: 'media_host_foreign',
        certainty: 'accepted',
      });
    },
  );

  it('leaves out flagged pictures by their index', async () => {
    const client = await start({
      [`GET ${base}`]: (response) => {
        const images = [{ url: `${server.url}/files/1.png` }, { url: `${server.url}/files/2.png` }];
        sendJson(response, 200, { images, has_nsfw_concepts: [true, false] });
      },
    });
    const result = await client.generate(job, testCall().context);
    expect(result.assets).toHaveLength(1);
    expect(lines()).toContain('GET /files/2.png');
    expect(lines()).not.toContain('GET /files/1.png');
  });

  it('calls it policy when every picture is flagged, or black without a flag', async () => {
    const flagged = await start({
      [`GET ${base}`]: (response) => {
        sendJson(response, 200, {
          images: [{ url: `${server.url}/files/1.png` }],
          has_nsfw_concepts: [true],
        });
      },
    });
    const expected = { failureClass: 'policy', certainty: 'accepted', resumable: false };
    expect(await providerErrorOf(flagged.generate(job, testCall().context))).toMatchObject(expected);
    expect(lines()).not.toContain('GET /files/1.png');
    await server.close();

    const black = await blackPicture();
    const unflagged = await start({ 'GET /files/1.png': (response) => response.end(black) });
    expect(await providerErrorOf(unflagged.generate(job, testCall().context))).toMatchObject(expected);
  });

  it.each([{}, { images: [] }, { images: 'x' }, 'text', []])(
    'calls the result %j corrupt',
    async (result) => {
      const client = await start({ [`GET ${base}`]: inTurn([200, result]) });
      const error = await providerErrorOf(client.generate(job, testCall().context));
      expect(error).toMatchObject({ failureClass: 'corrupt', certainty: 'accepted' });
    },
  );

  it('reads why a completed job failed from its result, or from its status when the result is silent', async () => {
    const failed = await start({
      [`GET ${base}`]: inTurn([
        422,
        { detail: [{ loc: ['body', 'prompt'], msg: 'm', type: 'content_policy_violation' }] },
      ]),
    });
    expect(await providerErrorOf(failed.generate(job, testCall().context))).toMatchObject({
      failureClass: 'policy',
    });
    await server.close();

    const silent = await start({
      [`GET ${base}/status`]: inTurn([200, { status: 'COMPLETED', error_type: 'runner_disconnected' }]),
      [`GET ${base}`]: inTurn([200, {}]),
    });
    const error = await providerErrorOf(silent.generate(job, testCall().context));
    expect(error).toMatchObject({ failureClass: 'transient', code: 'runner_disconnected' });
  });

  it('keeps polling through passing trouble', async () => {
    const client = await start({
      [`GET ${base}/status`]: inTurn([500, {}], [502, {}], [429, {}], [200, { status: 'COMPLETED' }]),
    });
    const result = await client.generate(job, testCall().context);
    expect(result.assets).toHaveLength(1);
    expect(lines().filter((line) => line.startsWith('POST'))).toHaveLength(1);
  });

  it('leaves the job to the next attempt when polling keeps failing, and that one pays nothing', async () => {
    let failing = true;
    const client = await start({
      [`GET ${base}/status`]: (response) => {
        if (failing) resetConnection(response.req.socket);
        else sendJson(response, 200, { status: 'COMPLETED' });
      },
    });
    const first = testCall();
    const error = await providerErrorOf(client.generate(job, first.context));
    expect(error).toMatchObject({ failureClass: 'transient', certainty: 'accepted', resumable: true });
    failing = false;
    await client.generate(job, testCall({ previous: first.dispatch.state }).context);
    expect(lines().filter((line) => line.startsWith('POST'))).toHaveLength(1);
  });

  it('has the job made anew when Fal has forgotten it', async () => {
    const client = await start({ [`GET ${base}/status`]: inTurn([404, { detail: 'unknown' }]) });
    const error = await providerErrorOf(client.generate(job, testCall().context));
    expect(error).toMatchObject({ failureClass: 'transient', code: 'request_lost', resumable: false });
  });

  it.each(['FAILED', 'CANCELED', 'toString'])('does not wait for ever on the status %p', async (status) => {
    const client = await start({ [`GET ${base}/status`]: inTurn([200, { status }]) });
    const error = await providerErrorOf(client.generate(job, testCall().context));
    expect(error).toMatchObject({ failureClass: 'transient', code: 'status_unknown', certainty: 'accepted' });
  });

  it('leaves a queue that is too long, and takes the result when it came meanwhile', async () => {
    const queued = inTurn([202, { status: 'IN_QUEUE', queue_position: 9 }]);
    const short = { ...job, deadlines: { ...testDeadlines, queueSeconds: 0.1 } };
    const stuck = await start({ [`GET ${base}/status`]: queued });
    const error = await providerErrorOf(stuck.generate(short, testCall().context));
    expect(error).toMatchObject({ failureClass: 'capacity', code: 'queue_timeout', resumable: false });
    expect(lines()).toContain(`PUT ${base}/cancel`);
    await server.close();

    const late = await start({
      [`GET ${base}/status`]: queued,
      [`PUT ${base}/cancel`]: inTurn([400, { status: 'ALREADY_COMPLETED' }]),
    });
    expect((await late.generate(short, testCall().context)).assets).toHaveLength(1);
  });

  it('cancels a job that runs past the total deadline', async () => {
    const client = await start({ [`GET ${base}/status`]: inTurn([202, { status: 'IN_PROGRESS' }]) });
    const short = { ...job, deadlines: { ...testDeadlines, totalSeconds: 0.4 } };
    const error = await providerErrorOf(client.generate(short, testCall().context));
    const expected = {
      failureClass: 'transient',
      code: 'deadline_exceeded',
      certainty: 'accepted',
      resumable: false,
    };
    expect(error).toMatchObject(expected);
    expect(lines()).toContain(`PUT ${base}/cancel`);
  });

  it("cancels the job at Fal before it rejects with the caller's reason", async () => {
    const client = await start({ [`GET ${base}/status`]: inTurn([202, { status: 'IN_PROGRESS' }]) });
    const call = testCall();
    const generating = client.generate(job, call.context);
    await call.dispatch.reached('accepted');
    call.abort(new Error('cancelled by the user'));
    await expect(generating).rejects.toThrow('cancelled by the user');
    expect(lines()).toContain(`PUT ${base}/cancel`);
  });

  it('cancels a job whose submit was under way when the caller gave up', async () => {
    const call = testCall();
    const client = await start({
      'POST /queue/fal-ai/flux/dev': (response) => {
        call.abort(new Error('cancelled by the user'));
        setImmediate(() => {
          sendJson(response, 200, { status: 'IN_QUEUE', ...urls() });
        });
      },
    });
    await expect(client.generate(job, call.context)).rejects.toThrow('cancelled by the user');
    expect(lines()).toEqual(['POST /queue/fal-ai/flux/dev', `PUT ${base}/cancel`]);
  });

  it('submits nothing when the caller gave up before', async () => {
    const client = await start();
    const call = testCall();
    call.abort(new Error('cancelled by the user'));
    await expect(client.generate(job, call.context)).rejects.toThrow('cancelled by the user');
    expect(server.received).toEqual([]);
  });

  it('downloads once more in the next attempt before the picture is paid again', async () => {
    const client = await start({ 'GET /files/1.png': (response) => response.writeHead(404).end() });
    const first = testCall();
    const error = await providerErrorOf(client.generate(job, first.context));
    const expected = { failureClass: 'transient', code: 'media_unavailable', certainty: 'accepted' };
    expect(error).toMatchObject({ ...expected, resumable: true });
    const again = await providerErrorOf(
      client.generate(job, testCall({ previous: first.dispatch.state }).context),
    );
    expect(again).toMatchObject({ ...expected, resumable: false });
    expect(lines().filter((line) => line.startsWith('POST'))).toHaveLength(1);
  });

  it('follows no redirect of a picture', async () => {
    const client = await start({
      'GET /files/1.png': (response) => response.writeHead(302, { location: '/files/2.png' }).end(),
    });
    const error = await providerErrorOf(client.generate(job, testCall().context));
    expect(error).toMatchObject({ failureClass: 'outage', code: 'media_redirect' });
  });

  it('does not pay again for a submit whose outcome nobody knows', async () => {
    const client = await start();
    for (const previous of [{ phase: 'intent' }, { phase: 'accepted', handle: { other: 1 } }] as const) {
      const error = await providerErrorOf(client.generate(job, testCall({ previous }).context));
      expect(error).toMatchObject({
        failureClass: 'transient',
        code: 'outcome_unknown',
        certainty: 'unknown',
      });
    }
    expect(server.received).toEqual([]);
  });

  it('tells a lost submit from a refused one', async () => {
    const lost = await start({
      'POST /queue/fal-ai/flux/dev': (response) => {
        resetConnection(response.req.socket);
      },
    });
    const error = await providerErrorOf(lost.generate(job, testCall().context));
    expect(error).toMatchObject({ failureClass: 'transient', certainty: 'unknown' });
    expect(server.received).toHaveLength(1);
    await server.close();
    const refused = await providerErrorOf(lost.generate(job, testCall().context));
    expect(refused).toMatchObject({
      failureClass: 'outage',
      code: 'connection_refused',
      certainty: 'not_sent',
    });
  });

  it.each([
    [404, true],
    [405, true],
    [401, false],
    [403, false],
    [500, false],
  ])('is healthy when an unknown request is answered with %d: %p', async (status, healthy) => {
    const path = '/queue/fal-ai/flux/requests/00000000-0000-0000-0000-000000000000/status';
    const client = await start({ [`GET ${path}`]: inTurn([status, {}]) });
    const { signal } = new AbortController();
    expect(await client.checkHealth({ signal })).toMatchObject({ healthy });
    await server.close();
    expect(await client.checkHealth({ signal })).toMatchObject({ healthy: false });
  });
});
