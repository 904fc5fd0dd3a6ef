import type { JsonValue } from '../../../src/domain/taxonomy';
import { createComfyUiClient } from '../../../src/providers/comfyui/client';
import { promptIdOf } from '../../../src/providers/comfyui/prompt-id';
import type { FalHandle } from '../../../src/providers/fal/wire';
import { runJob } from '../../../src/providers/run-job';
import type { ProviderClient, ProviderJob, UnwantedJob } from '../../../src/providers/types';
import { waitUntil } from '../../support/wait-until';
import { textJob } from '../comfyui/run-job';
import { testCall, testJob } from '../support/call';
import { resetEmulated, startEmulated, type Emulated } from '../support/emulated';
import { startLocalServer } from '../support/local-server';

const parameters = { prompt: 'a red door', width: 256, height: 256, seed: 7 };
const modalJob = testJob({ app: 'ryla-flux', endpoint: '/flux-dev', parameters });
const falJob = testJob({
  endpoint: 'fal-ai/flux/dev',
  parameters: { prompt: 'a red door', seed: 7, enable_safety_checker: true },
});
const { signal } = new AbortController();
const cannotTell = { kind: 'cannot_tell' };
let emulated: Emulated;
let pod: ProviderClient;
let leftovers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  emulated = await startEmulated();
  pod = createComfyUiClient({ baseUrl: emulated.urls.comfyui });
});

afterEach(async () => {
  await Promise.all(leftovers.map((end) => end()));
  leftovers = [];
  await resetEmulated(emulated);
});

afterAll(async () => {
  await emulated.close();
});

/** A job that is accepted, and whose call nobody waits for. */
async function abandoned(client: ProviderClient, job: ProviderJob): Promise<UnwantedJob> {
  const call = testCall();
  const generating = runJob(client, job, call.context).catch(() => undefined);
  leftovers.push(async () => {
    call.abort(new Error('the test is over'));
    await generating;
  });
  await call.dispatch.reached('accepted');
  return { ...job, dispatch: call.dispatch.state };
}

function accepted(job: ProviderJob, handle: JsonValue): UnwantedJob {
  return { ...job, jobKey: 'another', dispatch: { phase: 'accepted', handle } };
}

function handleOf({ dispatch }: UnwantedJob): FalHandle {
  if (dispatch.phase !== 'accepted') throw new Error('the job was not accepted');
  return dispatch.handle as FalHandle;
}

function outcomes(): object[] {
  return emulated.journal.read().entries.map(({ outcome, chargedUsd }) => ({ outcome, chargedUsd }));
}

describe('an abandoned job at Fal', () => {
  it('is taken out of the queue, and costs nothing', async () => {
    emulated.settings.change({ fal: { queueSeconds: 10_000 } });
    // Fal must not end it first, by the start limit that the submit carries.
    const patient = { ...falJob, deadlines: { ...falJob.deadlines, queueSeconds: 1_000_000 } };
    const job = await abandoned(emulated.fal, patient);
    expect(await emulated.fal.stop(job, { signal })).toEqual({ kind: 'stopped', charge: 'none' });
    expect(outcomes()).toEqual([{ outcome: 'cancelled', chargedUsd: 0 }]);
  });

  it('is stopped while it runs, at its price', async () => {
    emulated.settings.change({ fixedLatencySeconds: 10_000, fal: { queueSeconds: 0 } });
    const job = await abandoned(emulated.fal, falJob);
    await waitUntil(async () => (await statusOf(handleOf(job))) === 'IN_PROGRESS');
    expect(await emulated.fal.stop(job, { signal })).toMatchObject({ kind: 'stopped', charge: 'price' });
    expect(outcomes()).toEqual([{ outcome: 'cancelled', chargedUsd: expect.any(Number) as unknown }]);
  });

  it('is left alone when its handle would take our key to another host', async () => {
    const foreign = await startLocalServer((_request, response) => response.end('{"status":"OK"}'));
    const job = await abandoned(emulated.fal, falJob);
    const turned = { ...handleOf(job), cancelUrl: `${foreign.url}/cancel` };
    expect(await emulated.fal.stop(accepted(falJob, turned), { signal })).toMatchObject(cannotTell);
    expect(foreign.received).toEqual([]);
    await foreign.close();
  });
});

describe('an abandoned run on the pod', () => {
  it('is taken out of the queue, and the run before it goes on', async () => {
    emulated.settings.change({ fixedLatencySeconds: 10_000 });
    await abandoned(pod, textJob({ jobKey: 'first' }));
    const job = await abandoned(pod, textJob({ jobKey: 'second' }));
    expect(await pod.stop(job, { signal })).toEqual({ kind: 'stopped', charge: 'none' });
    expect(outcomes()).toMatchObject([{ outcome: 'running' }, { outcome: 'cancelled' }]);
  });

  it('is interrupted while it runs, and the one behind it takes its place', async () => {
    emulated.settings.change({ fixedLatencySeconds: 1000 });
    const job = await abandoned(pod, textJob({ jobKey: 'first' }));
    const next = await abandoned(pod, textJob({ jobKey: 'second' }));
    expect(await pod.stop(job, { signal })).toEqual({ kind: 'stopped', charge: 'price' });
    await waitUntil(() => Promise.resolve(emulated.journal.read().entries[0]?.outcome === 'cancelled'));
    expect(emulated.journal.read().entries[1]?.outcome).toBe('running');
    await pod.stop(next, { signal });
  });
});

describe('a run on the pod whose submit had no answer', () => {
  /** The worker went right before the submit left, or right after. */
  function unanswered(job: ProviderJob): UnwantedJob {
    return { ...job, dispatch: { phase: 'intent', clue: { promptId: promptIdOf(job.jobKey) } } };
  }

  it('is found by its id and interrupted, at its price', async () => {
    emulated.settings.change({ fixedLatencySeconds: 1000 });
    await abandoned(pod, textJob({ jobKey: 'first' }));
    const lost = unanswered(textJob({ jobKey: 'first' }));
    expect(await pod.stop(lost, { signal })).toEqual({ kind: 'stopped', charge: 'price' });
    await waitUntil(() => Promise.resolve(emulated.journal.read().entries[0]?.outcome === 'cancelled'));
  });

  it('costs nothing when the pod never saw it', async () => {
    const lost = unanswered(textJob({ jobKey: 'unseen' }));
    expect(await pod.stop(lost, { signal })).toEqual({ kind: 'never' });
  });
});

describe('an abandoned call at Modal', () => {
  it('runs to its end, and nobody knows of it there', async () => {
    emulated.faults.add({ provider: 'modal', fault: 'redirect_chain', params: { hops: 1 } });
    const job = await abandoned(emulated.modal, modalJob);
    expect(await emulated.modal.stop(job, { signal })).toMatchObject({ kind: 'unstoppable' });
    await waitUntil(() => Promise.resolve(emulated.journal.read().entries[0]?.outcome === 'succeeded'));
  });
});

describe('a job that cannot be stopped', () => {
  const clients = () => ({ modal: emulated.modal, fal: emulated.fal, comfyui: pod });
  const jobs = { modal: modalJob, fal: falJob, comfyui: textJob() };
  const names = ['modal', 'fal', 'comfyui'] as const;

  it.each([
    ['modal', { kind: 'unstoppable' }],
    ['fal', cannotTell],
    ['comfyui', cannotTell],
  ] as const)('at %s, because it is down, is no error', async (name, word) => {
    emulated.settings.change({ fixedLatencySeconds: 100, fal: { queueSeconds: 1000 } });
    emulated.faults.add({ provider: 'modal', fault: 'redirect_chain', params: { hops: 1 } });
    const client = clients()[name];
    const job = await abandoned(client, jobs[name]);
    await emulated.setProviderState(name, 'down');
    expect(await client.stop(job, { signal })).toMatchObject(word);
  });

  it.each(['modal', 'fal'] as const)(
    'at %s, because its handle is none of ours, is no error',
    async (name) => {
      for (const handle of [null, 'r1', {}, { promptId: 1, requestId: 'r1' }]) {
        expect(await clients()[name].stop(accepted(jobs[name], handle), { signal })).toMatchObject(
          cannotTell,
        );
      }
    },
  );

  it.each(['modal', 'fal'] as const)('at %s, because its submit had no answer, is no error', async (name) => {
    const lost = { ...jobs[name], dispatch: { phase: 'intent' } } as const;
    expect(await clients()[name].stop(lost, { signal })).toMatchObject(cannotTell);
  });

  it.each(names)('at %s, because there is no time left, is no error', async (name) => {
    await emulated.setProviderState(name, 'hang');
    const handle = {
      ...falHandle(),
      promptId: 'p1',
      key: 'k',
      jobUrl: `${emulated.urls.modal}/ryla-flux/jobs/k`,
    };
    const job = accepted(jobs[name], handle);
    expect(await clients()[name].stop(job, { signal: AbortSignal.timeout(50) })).toMatchObject(cannotTell);
  });
});

function falHandle(): FalHandle {
  const url = `${emulated.urls.fal}/queue/fal-ai/flux/requests/r1`;
  const urls = { responseUrl: url, statusUrl: `${url}/status`, cancelUrl: `${url}/cancel` };
  return { requestId: 'r1', endpoint: 'fal-ai/flux/dev', ...urls };
}

async function statusOf({ statusUrl }: FalHandle): Promise<string> {
  const reply = await fetch(statusUrl, { headers: { authorization: 'Key id:secret' } });
  return ((await reply.json()) as { status: string }).status;
}
