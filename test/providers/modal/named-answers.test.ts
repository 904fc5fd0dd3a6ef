import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { nameOf } from '../../../src/providers/modal/named-job-requests';
import { runJob } from '../../../src/providers/run-job';
import { providerErrorOf, testCall, testDeadlines } from '../support/call';
import { sendJson, type ReceivedRequest } from '../support/local-server';
import { testPicture } from '../support/pictures';
import { LocalModal, modalJob } from './local-modal';

const key = nameOf(modalJob.jobKey, 1);
const jobPath = `/ryla-flux/jobs/${key}`;
const { signal } = new AbortController();
const modal = new LocalModal();
let picture: Buffer;
let done: object;

beforeAll(async () => {
  picture = await testPicture();
  done = {
    ...{ key, state: 'succeeded', callId: 'fc-1', runs: 1, error: null, seconds: 36.5, costUsd: 0.02 },
    ...{ headers: {}, mediaType: 'image/png', bytes: picture.length, sha256: sha256(picture) },
  };
});

afterEach(async () => {
  await modal.close();
});

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

type Answer = (response: ServerResponse, request: ReceivedRequest) => void;

/** An app with named jobs that answers these requests so, such as `GET /result`, and all others well. */
async function start(answers: Record<string, Answer> = {}, settings: { key?: string; secret?: string } = {}) {
  return await modal.start(
    (request, response) => {
      const [path = ''] = request.path.split('?');
      const rest = path.replace(/^.*\/jobs\/[^/]+/, '');
      const answer = answers[`${request.method} ${rest}`.trim()];
      if (path.endsWith('/health')) sendJson(response, 200, { status: 'healthy', namedJobs: 1 });
      else if (answer !== undefined) answer(response, request);
      else if (rest === '/result') response.end(picture);
      else sendJson(response, request.method === 'PUT' ? 202 : 200, done);
    },
    { ...settings, namedJobs: 'auto' },
  );
}

function json(status: number, body: object): Answer {
  return (response) => {
    sendJson(response, status, body);
  };
}

function refusal(status: number, code: string): Answer {
  return json(status, { detail: 'no', code });
}

describe('the name of a job', () => {
  it('has only what a key may have, however long and odd the job key is', () => {
    for (const jobKey of ['g1/slot-1/modal-flux-dev/2', 'ü/ ?#%', 'x'.repeat(500), '']) {
      expect(nameOf(jobKey, 1)).toMatch(/^[A-Za-z0-9._:-]{1,200}$/);
      expect(nameOf(jobKey, 9)).toMatch(/^[A-Za-z0-9._:-]{1,200}$/);
    }
  });

  it('differs for every job key and number', () => {
    const long = 'x'.repeat(400);
    const jobKeys = ['a/b', 'a.b', 'a b', 'A/b', `${long}1`, `${long}2`];
    const names = jobKeys.flatMap((jobKey) => [nameOf(jobKey, 1), nameOf(jobKey, 2)]);
    expect(new Set(names).size).toBe(2 * jobKeys.length);
  });
});

describe('the requests for a named job', () => {
  it('are a submit of path and body, long polls and the result, all with our credentials', async () => {
    const polls = ['queued', 'running', 'succeeded'];
    const client = await start(
      {
        PUT: json(202, { ...done, state: 'queued', callId: null }),
        GET: (response) => {
          sendJson(response, 200, { ...done, state: polls.shift() });
        },
      },
      { key: 'wk-1', secret: 'ws-1' },
    );
    const call = testCall();
    const result = await runJob(client, modalJob, call.context);
    expect(result).toMatchObject({ costUsd: 0.02, executionSeconds: 36.5, providerRequestId: 'fc-1' });
    expect(modal.lines()).toEqual([
      'GET /ryla-flux/health',
      `PUT ${jobPath}`,
      ...Array<string>(3).fill(`GET ${jobPath}?wait=25`),
      `GET ${jobPath}/result`,
    ]);
    const { parameters: body, endpoint: path } = modalJob;
    expect(JSON.parse(modal.received[1]?.body ?? '')).toEqual({ path, body });
    for (const { headers } of modal.received)
      expect(headers).toMatchObject({ 'modal-key': 'wk-1', 'modal-secret': 'ws-1' });
    expect(call.progress.map(({ phase }) => phase)).toEqual(['queued', 'queued', 'running', 'downloading']);
  });

  it('go on with a result where it broke off', async () => {
    const half = Math.floor(picture.length / 2);
    const client = await start({
      'GET /result': (response, { headers: { range } }) => {
        if (range === undefined) {
          response.writeHead(200, { 'content-length': String(picture.length) });
          response.write(picture.subarray(0, half), () => response.destroy());
          return;
        }
        expect(range).toBe(`bytes=${String(half)}-`);
        response.writeHead(206).end(picture.subarray(half));
      },
    });
    const call = testCall();
    await runJob(client, modalJob, call.context);
    expect(call.media.saved.map(({ content }) => sha256(content))).toEqual([sha256(picture)]);
  });

  it('take the cost of the route where the record has none', async () => {
    const headers = { 'x-cost-usd': '0.031', 'x-execution-time-sec': '12.5' };
    const client = await start({ GET: json(200, { ...done, costUsd: null, seconds: null, headers }) });
    const result = await runJob(client, modalJob, testCall().context);
    expect(result).toMatchObject({ costUsd: 0.031, executionSeconds: 12.5 });
  });
});

describe('an answer to a named submit', () => {
  it.each([
    [409, 'other_body', 'auth', 'job_name_taken'],
    [400, 'bad_request', 'auth', 'submit_not_understood'],
    [413, 'too_large', 'input', 'request_too_large'],
  ])('%d %s sends nothing', async (status, code, failureClass, ours) => {
    const client = await start({ PUT: refusal(status, code) });
    const error = await providerErrorOf(runJob(client, modalJob, testCall().context));
    expect(error).toMatchObject({ failureClass, code: ours, certainty: 'not_sent', charge: 'none', status });
  });

  const isName = (number: number, { path }: ReceivedRequest): boolean =>
    path.split('?')[0]?.endsWith(nameOf(modalJob.jobKey, number)) === true;
  const methods = (): string[] => modal.received.slice(1).map(({ method }) => method);

  it('ends a job whose names are all void: the next one has another key', async () => {
    const client = await start({ PUT: refusal(410, 'voided'), GET: refusal(410, 'voided') });
    const call = testCall();
    const error = await providerErrorOf(runJob(client, modalJob, call.context));
    expect(error).toMatchObject({ failureClass: 'transient', code: 'job_voided', outcome: 'ended_free' });
    // The body goes out once, however many names are void.
    expect(methods()).toEqual(['PUT', ...Array<string>(8).fill('GET')]);
    expect(call.dispatch.notes).toEqual(['intent']);
  });

  it('goes by the first name that is free, and is sent no more than twice', async () => {
    const byName =
      (answer: Answer): Answer =>
      (response, request) => {
        const isVoid = [1, 2, 3].some((number) => isName(number, request));
        (isVoid ? refusal(410, 'voided') : answer)(response, request);
      };
    const own = { ...done, key: nameOf(modalJob.jobKey, 4) };
    let isSent = false;
    const client = await start({
      PUT: byName((response) => {
        isSent = true;
        sendJson(response, 202, own);
      }),
      GET: byName((response, request) => {
        (isSent ? json(200, own) : refusal(404, 'never_accepted'))(response, request);
      }),
    });
    expect((await runJob(client, modalJob, testCall().context)).assets).toHaveLength(1);
    expect(methods()).toEqual(['PUT', 'GET', 'GET', 'GET', 'PUT', 'GET', 'GET']);
  });

  it.each<[string, Answer, string]>([
    ['a gateway', json(502, {}), 'bad_gateway'],
    ['nobody', (response) => response.req.socket.destroy(), 'connection_lost'],
  ])('sends nothing where %s answers for the name behind a void one', async (_who, answer, code) => {
    const client = await start({ PUT: refusal(410, 'voided'), GET: answer });
    const call = testCall();
    const error = await providerErrorOf(runJob(client, modalJob, call.context));
    expect(error).toMatchObject({ code, outcome: 'nothing_sent' });
    expect(methods()).toEqual(['PUT', 'GET']);
  });

  it.each<[string, Answer]>([
    ['a page', (response) => response.end('<html>login</html>')],
    ['another job', json(202, { key: 'another', state: 'queued' })],
    ['voided under another status', refusal(502, 'voided')],
    ['a 400 of a proxy', json(400, { detail: 'The request could not be processed' })],
    ['an empty 204', (response) => response.writeHead(204).end()],
    ['a 307', (response) => response.writeHead(307, { location: '/login' }).end()],
    ['a 500 in the shape of an app', json(500, { error: 'CUDA error', type: 'RuntimeError' })],
    ['a 422 in the shape of an app', json(422, { detail: [{ loc: ['body'], msg: 'Field required' }] })],
  ])('%s is no word of the package, and the job is looked for', async (_what, answer) => {
    const client = await start({ PUT: answer });
    const call = testCall();
    expect((await runJob(client, modalJob, call.context)).assets).toHaveLength(1);
    expect(modal.lines().slice(1, 3)).toEqual([`PUT ${jobPath}`, `GET ${jobPath}?wait=0`]);
  });
});

describe('a look for a named job', () => {
  const never = refusal(404, 'never_accepted');

  it.each<[string, Record<string, Answer>, object]>([
    ['that is known', {}, { kind: 'accepted', providerRequestId: 'fc-1' }],
    ['that is void', { GET: refusal(410, 'voided') }, { kind: 'never' }],
    [
      'that was never accepted',
      { GET: never, 'POST /void': json(200, { key, state: 'voided' }) },
      { kind: 'never' },
    ],
    [
      'that is accepted while it is made void',
      {
        GET: never,
        'POST /void': (response) => {
          sendJson(response, 409, { detail: 'x', code: 'already_accepted', job: done });
        },
      },
      { kind: 'accepted', providerRequestId: 'fc-1' },
    ],
    ['the package does not understand', { GET: refusal(400, 'bad_request') }, { kind: 'cannot_tell' }],
  ])('%s finds that', async (_what, answers, found) => {
    const client = await start(answers);
    const clue = { key, jobUrl: `${modal.url}${jobPath}` };
    expect(await client.find(modalJob, clue, { signal })).toMatchObject(found);
  });

  it.each<[string, Record<string, Answer>]>([
    ['a 404 of a proxy', { GET: json(404, { detail: 'Not Found' }) }],
    ['the void of another key', { GET: never, 'POST /void': json(200, { key: 'another', state: 'voided' }) }],
    ['a page for the void', { GET: never, 'POST /void': (response) => response.end('<html>') }],
    ['a 410 of a proxy', { GET: (response) => response.writeHead(410).end('gone') }],
  ])('takes %s for no answer', async (_what, answers) => {
    const client = await start(answers);
    const clue = { key, jobUrl: `${modal.url}${jobPath}` };
    await expect(client.find(modalJob, clue, { signal })).rejects.toMatchObject({ certainty: 'unknown' });
  });
});

describe('a named job whose result is not what its record says', () => {
  it('is read anew, and stays open while it is not', async () => {
    const client = await start({ GET: json(200, { ...done, sha256: sha256(Buffer.from('another')) }) });
    const call = testCall();
    const error = await providerErrorOf(runJob(client, modalJob, call.context));
    expect(error).toMatchObject({ code: 'result_mismatch', certainty: 'accepted', endsJob: false });
    expect(call.media.saved).toEqual([]);
    expect(modal.lines().filter((line) => line.endsWith('/result'))).toHaveLength(3);
  });

  it('is over when its route made a picture that is of no use, at its cost', async () => {
    const half = picture.subarray(0, 200);
    const client = await start({
      GET: json(200, { ...done, bytes: half.length, sha256: sha256(half) }),
      'GET /result': (response) => response.end(half),
    });
    const error = await providerErrorOf(runJob(client, modalJob, testCall().context));
    expect(error).toMatchObject({ code: 'media_truncated', endsJob: true, charge: { usd: 0.02 } });
  });

  it('is not over while the app says that it is not finished', async () => {
    let reads = 0;
    const client = await start({
      'GET /result': (response) => {
        reads += 1;
        if (reads < 3) sendJson(response, 409, { detail: 'x', code: 'not_finished' });
        else response.end(picture);
      },
    });
    expect((await runJob(client, modalJob, testCall().context)).assets).toHaveLength(1);
  });
});

describe('a named job whose app is frozen', () => {
  it('is asked again, and left open when its time is up', async () => {
    const client = await start({ GET: () => undefined, DELETE: () => undefined });
    const deadlines = { ...testDeadlines, totalSeconds: 0.5 };
    const call = testCall();
    const running = providerErrorOf(runJob(client, { ...modalJob, deadlines }, call.context));
    expect(await running).toMatchObject({ code: 'deadline_exceeded', certainty: 'accepted', endsJob: false });
    expect(call.dispatch.state).toMatchObject({ phase: 'accepted' });
  }, 20_000);

  it('answers a stop in time that the job is not known to be stopped', async () => {
    const client = await start({ DELETE: () => undefined });
    const dispatch = { phase: 'accepted', handle: { key, jobUrl: `${modal.url}${jobPath}` } } as const;
    const stopped = await client.stop({ ...modalJob, dispatch }, { signal: AbortSignal.timeout(100) });
    expect(stopped).toMatchObject({ kind: 'cannot_tell' });
  });

  it.each<[string, Record<string, unknown>, object]>([
    [
      'billed by its cost',
      { stopped: true, billing: { billed: true, costUsd: 0.01 } },
      { kind: 'stopped', charge: { usd: 0.01 } },
    ],
    [
      'not billed',
      { stopped: true, billing: { billed: false, costUsd: 0 } },
      { kind: 'stopped', charge: 'none' },
    ],
    [
      'billed at a cost nobody knows',
      { stopped: true, costUsd: null, billing: { billed: true, costUsd: null } },
      { kind: 'stopped', charge: 'price' },
    ],
    [
      'still running',
      { state: 'running', stopped: false, billing: { billed: true } },
      { kind: 'cannot_tell' },
    ],
    ['told without a bill', {}, { kind: 'cannot_tell' }],
  ])('says of a stopped job that it is %s', async (_what, body, word) => {
    const client = await start({ DELETE: json(200, { ...done, state: 'cancelled', ...body }) });
    const dispatch = { phase: 'accepted', handle: { key, jobUrl: `${modal.url}${jobPath}` } } as const;
    expect(await client.stop({ ...modalJob, dispatch }, { signal })).toMatchObject(word);
  });
});
