import { runJob } from '../../../src/providers/run-job';
import { providerErrorOf, testCall, testDeadlines } from '../support/call';
import { resetConnection, sendJson, type Responder } from '../support/local-server';
import { testPicture } from '../support/pictures';
import { LocalModal, modalJob } from './local-modal';

const modal = new LocalModal();
const { signal } = new AbortController();
const plainHealth = { status: 'healthy', app: 'ryla-flux' };
const namedHealth = { ...plainHealth, namedJobs: 1 };
let picture: Buffer;

beforeAll(async () => {
  picture = await testPicture();
});

afterEach(async () => {
  await modal.close();
});

/** An app that answers its health so, and any call with a picture. */
function app(health: Responder): Responder {
  return (request, response, socket) => {
    if (request.path.endsWith('/health')) health(request, response, socket);
    else response.end(picture);
  };
}

describe('which form a job is sent in', () => {
  it('asks an app once, also for many jobs at once, and calls a plain one as ever', async () => {
    const client = await modal.start(
      app((_request, response) => {
        sendJson(response, 200, plainHealth);
      }),
      { namedJobs: 'auto' },
    );
    const call = testCall();
    await Promise.all([call, testCall(), testCall()].map(({ context }) => runJob(client, modalJob, context)));
    await runJob(client, modalJob, testCall().context);
    expect(modal.lines().filter((line) => line === 'GET /ryla-flux/health')).toHaveLength(1);
    expect(modal.lines().filter((line) => line === 'POST /ryla-flux/flux-dev')).toHaveLength(4);
    expect(call.dispatch.clue).toBeUndefined();
  });

  it('takes an app without a health for a plain one', async () => {
    const client = await modal.start(
      app((_request, response) => {
        sendJson(response, 404, { detail: 'Not Found' });
      }),
      { namedJobs: 'auto' },
    );
    expect((await runJob(client, modalJob, testCall().context)).assets).toHaveLength(1);
  });

  it('asks nobody where names are off', async () => {
    const client = await modal.start(
      app((_request, response) => {
        sendJson(response, 200, namedHealth);
      }),
      { namedJobs: 'off' },
    );
    await runJob(client, modalJob, testCall().context);
    expect(modal.lines()).toEqual(['POST /ryla-flux/flux-dev']);
  });

  it('sends a plain app nothing where names are required, and says what to do', async () => {
    const client = await modal.start(
      app((_request, response) => {
        sendJson(response, 200, plainHealth);
      }),
      { namedJobs: 'required' },
    );
    const call = testCall();
    const error = await providerErrorOf(runJob(client, modalJob, call.context));
    expect(error).toMatchObject({ failureClass: 'auth', code: 'named_jobs_missing', certainty: 'not_sent' });
    expect(error.message).toMatch(/ryla-flux.*deploy it with the package in modal\//);
    expect(call.dispatch.notes).toEqual([]);
    expect(modal.lines()).toEqual(['GET /ryla-flux/health']);
  });

  it.each<[string, Responder, failureClass: string, code: string]>([
    ['a 502', (_request, response) => response.writeHead(502).end('<html>'), 'outage', 'provider_unwell'],
    ['a page', (_request, response) => response.end('<html>'), 'outage', 'provider_unwell'],
    ['a 400', (_request, response) => response.writeHead(400).end('{}'), 'outage', 'provider_unwell'],
    ['a 401', (_request, response) => response.writeHead(401).end(), 'auth', 'unauthorized'],
    [
      'a stopped app',
      (_request, response) => response.writeHead(404).end('modal-http: app is stopped'),
      'auth',
      'route_missing',
    ],
    [
      'a reset',
      (_request, _response, socket) => {
        resetConnection(socket);
      },
      'outage',
      'connection_failed',
    ],
    ['nothing', () => undefined, 'outage', 'provider_silent'],
  ])('sends nothing while the health of the app is %s', async (_what, health, failureClass, code) => {
    const client = await modal.start(app(health), { namedJobs: 'auto' });
    const call = testCall();
    const deadlines = { ...testDeadlines, firstByteSeconds: 0.3 };
    const error = await providerErrorOf(runJob(client, { ...modalJob, deadlines }, call.context));
    expect(error).toMatchObject({ failureClass, code, certainty: 'not_sent' });
    expect(call.dispatch.notes).toEqual([]);
    expect(modal.lines()).toEqual(['GET /ryla-flux/health']);
  });

  it('sends nothing while the app is down, which is an outage', async () => {
    const client = await modal.start(
      app(() => undefined),
      { namedJobs: 'auto' },
    );
    await modal.close();
    const error = await providerErrorOf(runJob(client, modalJob, testCall().context));
    expect(error).toMatchObject({
      failureClass: 'outage',
      code: 'connection_refused',
      certainty: 'not_sent',
    });
  });

  it('lets one caller go without taking the answer from the others', async () => {
    let answer: () => void = () => undefined;
    const client = await modal.start(
      app((_request, response) => {
        answer = () => {
          sendJson(response, 200, plainHealth);
        };
        gone.abort(new Error('cancelled by the user'));
      }),
      { namedJobs: 'auto' },
    );
    const gone = testCall();
    const first = runJob(client, modalJob, gone.context);
    const second = runJob(client, modalJob, testCall().context);
    await expect(first).rejects.toThrow('cancelled by the user');
    answer();
    expect((await second).assets).toHaveLength(1);
  });

  it('asks again when an app has lost its named jobs', async () => {
    let isNamed = true;
    const client = await modal.start(
      ({ method, path }, response) => {
        if (path.endsWith('/health')) sendJson(response, 200, isNamed ? namedHealth : plainHealth);
        else if (method === 'PUT') sendJson(response, 404, { detail: 'Not Found' });
        else response.end(picture);
      },
      { namedJobs: 'auto' },
    );
    const error = await providerErrorOf(runJob(client, modalJob, testCall().context));
    expect(error).toMatchObject({ failureClass: 'auth', code: 'route_missing', certainty: 'not_sent' });
    isNamed = false;
    expect((await runJob(client, modalJob, testCall().context)).assets).toHaveLength(1);
  });

  it('names the apps that are still plain', async () => {
    const client = await modal.start(
      ({ path }, response) => {
        if (path === '/ryla-flux/health') sendJson(response, 200, namedHealth);
        else if (path === '/ryla-wan26/health') sendJson(response, 200, plainHealth);
        else response.writeHead(502).end();
      },
      { namedJobs: 'auto' },
    );
    expect(await client.apps(['ryla-flux', 'ryla-wan26', 'ryla-seedvr2'], { signal })).toEqual([
      { app: 'ryla-flux', named: true },
      { app: 'ryla-wan26', named: false },
      { app: 'ryla-seedvr2', named: undefined },
    ]);
  });
});
