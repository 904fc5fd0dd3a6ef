import { createComfyUiClient } from '../../../src/providers/comfyui/client';
import { createFalClient } from '../../../src/providers/fal/client';
import { createModalClient } from '../../../src/providers/modal/client';
import { runJob } from '../../../src/providers/run-job';
import type { ProviderClient, ProviderJob } from '../../../src/providers/types';
import { textJob } from '../comfyui/run-job';
import { providerErrorOf, testCall, testDeadlines, testJob } from '../support/call';
import { resetConnection, startLocalServer, type LocalServer, type Responder } from '../support/local-server';

let server: LocalServer | undefined;

afterEach(async () => {
  await server?.close();
});

const deadlines = { ...testDeadlines, firstByteSeconds: 0.3 };
const fluxJob = { parameters: { prompt: 'a red door', enable_safety_checker: true }, deadlines };
const jobs: Record<ProviderClient['provider'], ProviderJob> = {
  modal: testJob({ ...fluxJob, app: 'ryla-flux', endpoint: '/flux-dev' }),
  fal: testJob({ ...fluxJob, endpoint: 'fal-ai/flux/dev' }),
  comfyui: textJob({ deadlines }),
};
const submitPaths = ['/ryla-flux/flux-dev', '/queue/fal-ai/flux/dev', '/prompt'];

/** Sends one job to a server that answers the submit as told, and of which nothing can be learned afterwards. */
async function submitTo(provider: ProviderClient['provider'], answer: Responder) {
  let submits = 0;
  server = await startLocalServer((request, response, socket) => {
    if (request.method === 'POST' && submitPaths.includes(request.path)) {
      submits += 1;
      answer(request, response, socket);
    } else if (submits > 0) response.writeHead(502).end();
    else if (request.path === '/queue') response.end('{"queue_running":[],"queue_pending":[]}');
    else response.end('{}');
  });
  const { url } = server;
  const clients = {
    modal: () => createModalClient({ baseUrl: `${url}/{app}`, namedJobs: 'off' }),
    fal: () =>
      createFalClient({ queueUrl: `${url}/queue`, restUrl: url, platformUrl: url, key: 'k', mediaHosts: [] }),
    comfyui: () => createComfyUiClient({ baseUrl: url }),
  };
  const call = testCall();
  const error = await providerErrorOf(runJob(clients[provider](), jobs[provider], call.context));
  // Fal's is noted once more, with the time its connection broke off.
  expect(call.dispatch.notes).toEqual(provider === 'fal' ? ['intent', 'intent'] : ['intent']);
  return { error, submits };
}

const providers = ['modal', 'fal', 'comfyui'] as const;
const statuses = [408, 500, 502, 503, 504];

describe('a submit whose outcome nobody knows', () => {
  it.each((['modal', 'fal'] as const).flatMap((name) => statuses.map((status) => [name, status] as const)))(
    'at %s tells the gateway status %d it was answered with',
    async (provider, status) => {
      const { error, submits } = await submitTo(provider, (_request, response) =>
        response.writeHead(status).end('gateway'),
      );
      expect(error).toMatchObject({ certainty: 'unknown', status });
      expect(submits).toBe(1);
    },
  );

  it.each([200, ...statuses])(
    'at the pod, whose look-up failed after a %d, has no status: the next call must look for the same run',
    async (status) => {
      const { error, submits } = await submitTo('comfyui', (_request, response) =>
        response.writeHead(status).end('gateway'),
      );
      expect(error).toMatchObject({ certainty: 'unknown', code: 'submit_unconfirmed' });
      expect(error.status).toBeUndefined();
      expect(submits).toBe(1);
    },
  );

  it.each(providers)('at %s has no status when the connection was lost', async (provider) => {
    const { error } = await submitTo(provider, (_request, _response, socket) => {
      resetConnection(socket);
    });
    expect(error).toMatchObject({ certainty: 'unknown', code: 'connection_lost', status: undefined });
  });

  it.each(providers)('at %s has no status when no answer came in time', async (provider) => {
    const { error } = await submitTo(provider, () => undefined);
    expect(error).toMatchObject({ certainty: 'unknown', code: 'no_answer', status: undefined });
  });
});

describe('a call after a submit whose outcome nobody knows', () => {
  it.each(['modal', 'fal'] as const)('sends nothing at all to %s', async (provider) => {
    server = await startLocalServer((_request, response) => response.end('{}'));
    const { url } = server;
    const client =
      provider === 'modal'
        ? createModalClient({ baseUrl: `${url}/{app}`, namedJobs: 'off' })
        : createFalClient({ queueUrl: url, restUrl: url, platformUrl: url, key: 'k', mediaHosts: [] });
    const call = testCall({ previous: { phase: 'intent' } });
    const error = await providerErrorOf(runJob(client, jobs[provider], call.context));
    expect(error).toMatchObject({
      failureClass: 'transient',
      code: 'outcome_unknown',
      certainty: 'unknown',
      status: undefined,
    });
    expect(server.received).toEqual([]);
    expect(call.dispatch.notes).toEqual([]);
  });
});
