import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { FalSignatures } from '../../../src/api/http/fal-signature';
import { HttpProblem } from '../../../src/api/http/http-problem';
import { jobKeyOfToken } from '../../../src/domain/callback-key';
import { createFalClient, type FalClientSettings } from '../../../src/providers/fal/client';
import { runJob } from '../../../src/providers/run-job';
import { providerErrorOf, testCall, testDeadlines, testJob } from '../support/call';
import { resetEmulated, startEmulated, type Emulated } from '../support/emulated';

const parameters = {
  prompt: 'a red door',
  image_size: { width: 256, height: 256 },
  seed: 7,
  enable_safety_checker: true,
};
const job = testJob({ endpoint: 'fal-ai/flux/dev', parameters });
const { signal } = new AbortController();
let emulated: Emulated;

beforeAll(async () => {
  emulated = await startEmulated();
});

afterEach(async () => {
  await resetEmulated(emulated);
});

afterAll(async () => {
  await emulated.close();
});

function client(settings: Partial<FalClientSettings> = {}) {
  const { fal } = emulated.urls;
  return createFalClient({
    ...{ queueUrl: `${fal}/queue`, restUrl: `${fal}/rest`, platformUrl: `${fal}/platform` },
    ...{ key: 'id:secret', mediaHosts: [new URL(fal).host], firstPollPauseMs: 20 },
    ...settings,
  });
}

const journal = () => emulated.journal.read();

/** Calls as the workflow would, until the job gives its picture or a failure that is no doubt. */
async function persist(fal: ReturnType<typeof client>, first = testCall()) {
  let call = first;
  for (;;) {
    const outcome = await runJob(fal, job, call.context).catch((error: unknown) => error);
    const isInDoubt = outcome instanceof Error && 'certainty' in outcome && outcome.certainty === 'unknown';
    if (!isInDoubt) return { outcome, call };
    call = testCall({ previous: call.dispatch.state, media: call.media });
  }
}

describe('a submit the emulated Fal did not answer', () => {
  it.each(['submit_lost', 'accepted_502', 'accepted_504'] as const)(
    '%s is found in the list and paid once',
    async (fault) => {
      emulated.faults.add({ provider: 'fal', fault, params: {}, times: 1 });
      const { outcome } = await persist(client());
      const [entry] = journal().entries;
      expect(outcome).toMatchObject({ providerRequestId: entry?.requestId, assets: [{ width: 256 }] });
      expect(journal().totals.accepted).toBe(1);
    },
  );

  it('is found behind many others, and although it was listed late', async () => {
    const fal = client();
    for (let seed = 0; seed < 3; seed += 1)
      await runJob(fal, { ...job, parameters: { ...parameters, seed } }, testCall().context);
    emulated.faults.add({ provider: 'fal', fault: 'submit_lost', params: {}, times: 1 });
    emulated.faults.add({ provider: 'fal', fault: 'listing_delayed', params: { seconds: 300 }, times: 1 });
    const { outcome } = await persist(fal);
    expect(outcome).toMatchObject({ assets: [{ width: 256 }] });
    expect(journal().totals.accepted).toBe(4);
  });

  it('is not taken for a twin of another job', async () => {
    const fal = client();
    const twin = await runJob(fal, job, testCall().context);
    emulated.faults.add({ provider: 'fal', fault: 'submit_lost', params: {}, times: 1 });
    const twinId = twin.providerRequestId ?? '';
    const known = { ...job, jobKey: 'test/2', knownRequestIds: [twinId] };
    const call = testCall();
    await runJob(fal, known, call.context).catch(() => undefined);
    let found = await fal.find(known, call.dispatch.clue ?? null, { signal });
    while (found.kind === 'cannot_tell')
      found = await fal.find(known, call.dispatch.clue ?? null, { signal });
    expect(found).toMatchObject({ kind: 'accepted', providerRequestId: journal().entries[1]?.requestId });
    expect(journal().entries[1]?.requestId).not.toBe(twinId);
  });

  it('was never there when it was lost on its way, and the call that learns it pays nothing', async () => {
    emulated.faults.add({
      provider: 'fal',
      fault: 'reset_before_headers',
      params: { on: 'submit' },
      times: 1,
    });
    const { outcome, call } = await persist(client({ settleSeconds: 1 }));
    expect(outcome).toMatchObject({ code: 'never_accepted', certainty: 'not_sent' });
    expect(call.dispatch.state).toEqual({ phase: 'none' });
    expect(journal().totals.accepted).toBe(0);
  });
});

describe('what the emulated Fal charges', () => {
  it('is what a result says, to the cent', async () => {
    const fal = client();
    await runJob(fal, job, testCall().context);
    const result = await runJob(fal, { ...job, parameters: { ...parameters, seed: 8 } }, testCall().context);
    const [, entry] = journal().entries;
    expect(result.costUsd).toBeCloseTo(entry?.chargedUsd ?? NaN, 6);
    expect(result.billing).toMatchObject({ units: entry?.billableUnits, source: 'Fal pricing API' });
  });

  it('is nothing for a job that was not started in time', async () => {
    emulated.settings.change({ fal: { queueSeconds: 10_000 } });
    const deadlines = { ...testDeadlines, queueSeconds: 20 };
    const error = await providerErrorOf(runJob(client(), { ...job, deadlines }, testCall().context));
    expect(error).toMatchObject({ code: 'queue_timeout', endsJob: true, charge: 'none' });
    expect(journal().totals.chargedUsd).toBe(0);
    expect(journal().entries[0]).toMatchObject({ outcome: 'failed', noRetry: true });
  });

  it('can be told wrong by its price list, which the bill names as its source', async () => {
    emulated.settings.change({ fal: { lyingPrices: 2 } });
    const fal = client();
    await runJob(fal, job, testCall().context);
    const result = await runJob(fal, { ...job, parameters: { ...parameters, seed: 8 } }, testCall().context);
    expect(result.costUsd).toBeCloseTo(2 * (journal().entries[1]?.chargedUsd ?? NaN), 5);
    expect(result.billing?.source).toBe('Fal pricing API');
  });
});

describe('the call-back of the emulated Fal', () => {
  it.each([
    ['is signed as the API checks it', undefined, 204],
    ['is refused by the API where it is not', 'webhook_bad_signature', 401],
  ] as const)('%s, and goes to the address of the job', async (_name, fault, expected) => {
    const signatures = new FalSignatures(`${emulated.urls.fal}/rest/.well-known/jwks.json`);
    const statuses: number[] = [];
    const server = createServer((request, response) => {
      void buffer(request)
        .then((body) => signatures.check(request.headers, body))
        .then(
          () => 204,
          (error: unknown) => (error instanceof HttpProblem ? error.status : 500),
        )
        .then((status) => {
          statuses.push(status);
          response.writeHead(status).end();
          server.emit('answered', request.url);
        });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const answered = once(server, 'answered');
    const { port } = server.address() as AddressInfo;
    if (fault !== undefined) emulated.faults.add({ provider: 'fal', fault, params: {}, times: 1 });
    await runJob(client({ publicBaseUrl: `http://127.0.0.1:${port}` }), job, testCall().context);
    const [path] = (await answered) as [string];
    expect(statuses[0]).toBe(expected);
    expect(jobKeyOfToken(path.replace('/v1/provider-callbacks/fal/', ''), 'id:secret')).toBe(job.jobKey);
    await emulated.reset();
    server.closeAllConnections();
    server.close();
  });
});
