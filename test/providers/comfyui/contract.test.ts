import { startEmulator, type RunningEmulator } from '../../../emulator/start-emulator';
import { createComfyUiClient } from '../../../src/providers/comfyui/client';
import { promptIdOf } from '../../../src/providers/comfyui/prompt-id';
import type { DispatchState, ProviderJob } from '../../../src/providers/types';
import { models, type ModelDefinition } from '../../../src/registry';
import { blankPicture, picture } from '../../assets/pictures';
import { MemoryMediaStore } from '../support/memory-media-store';
import { RecordingDispatch } from '../support/recording-dispatch';
import { expectedGraphs } from './expected-graphs';
import { startJob } from './run-job';

const podModels = models.filter(({ provider }) => provider === 'comfyui');
const settings = {
  prompt: 'a red door',
  negativePrompt: 'blurry',
  width: 512,
  height: 768,
  seed: 4_294_967_295,
  steps: 12,
  guidance: 6.5,
  strength: 0.4,
  referenceStrength: 0.9,
  nsfw: true,
};
const sizes: Readonly<Record<string, { width: number; height: number }>> = {
  'sdxl-text-to-image': { width: 512, height: 768 },
  'sdxl-instantid': { width: 512, height: 768 },
  'sdxl-image-to-image': { width: 96, height: 64 },
  'sdxl-inpaint': { width: 96, height: 64 },
  'upscale-4x': { width: 384, height: 256 },
};

let emulator: RunningEmulator;
beforeAll(async () => {
  emulator = await startEmulator({ timeScale: 0.01 });
});
afterAll(async () => {
  await emulator.close();
});
beforeEach(async () => {
  await emulator.reset();
});

/** A job of a model of the registry, made as the service makes it. */
async function jobOf(model: ModelDefinition, media: MemoryMediaStore): Promise<ProviderJob> {
  const pictures = {
    reference: await picture('png', { seed: 1 }),
    source: await picture('png', { seed: 2 }),
    mask: await blankPicture('white'),
  };
  const roles = ['reference', 'source', 'mask'] as const;
  return {
    jobKey: `contract/${model.id}`,
    endpoint: model.backendId,
    parameters: model.parameters.parse(model.toWire(settings)) as ProviderJob['parameters'],
    inputs: roles.flatMap((role) => {
      const input = model.inputs[role];
      if (input === undefined) return [];
      return [{ ...input, assetId: media.add(pictures[role], 'image/png'), mediaType: 'image/png' }];
    }),
    mediaKind: model.mediaKind,
    deadlines: { ...model.policy.http, totalSeconds: 20 },
  };
}

/** The graph as the pod took it, with the uploads called by what they are. */
function submittedGraph(job: ProviderJob): unknown {
  const [entry] = emulator.journal.read({ provider: 'comfyui' }).entries;
  let text = JSON.stringify((entry?.body as { prompt: unknown }).prompt);
  for (const { field, assetId } of job.inputs) {
    text = text.replace(`${assetId}.png`, `${field.replace('_image', '')}.png`);
  }
  return JSON.parse(text.replace(promptIdOf(job.jobKey), 'run-id')) as unknown;
}

describe('every graph of the registry', () => {
  it('is one of those that are checked here', () => {
    expect(podModels.map(({ backendId }) => backendId).sort()).toEqual(Object.keys(expectedGraphs).sort());
  });

  it.each(podModels.map((model) => [model.backendId, model] as const))(
    '%s reaches the pod field by field, once, and brings the picture back',
    async (endpoint, model) => {
      const media = new MemoryMediaStore();
      const job = await jobOf(model, media);
      const client = createComfyUiClient({ baseUrl: emulator.urls.comfyui });

      const { assets, providerRequestId } = await startJob(client, job, { media }).result;

      expect(submittedGraph(job)).toEqual(expectedGraphs[endpoint]);
      expect(assets).toEqual([expect.objectContaining({ mediaType: 'image/png', ...sizes[endpoint] })]);
      const { entries, rejections } = emulator.journal.read({ provider: 'comfyui' });
      expect(rejections).toEqual([]);
      expect(entries).toHaveLength(1);
      const promptId = promptIdOf(job.jobKey);
      expect(entries[0]).toMatchObject({ promptId, clientId: promptId, outcome: 'succeeded' });
      expect(providerRequestId).toBe(promptId);
    },
  );
});

describe('a job that is asked for twice', () => {
  async function textJob(): Promise<ProviderJob> {
    const model = podModels.find(({ backendId }) => backendId === 'sdxl-text-to-image');
    if (model === undefined) throw new Error('the registry has no text-to-picture graph');
    return await jobOf(model, new MemoryMediaStore());
  }
  function lostSubmitOf({ jobKey }: ProviderJob): DispatchState {
    return { phase: 'intent', clue: { promptId: promptIdOf(jobKey) } };
  }
  function acceptedJobs(): number {
    return emulator.journal.read({ provider: 'comfyui' }).totals.accepted;
  }

  it('runs once when the second call comes after the first has finished', async () => {
    const client = createComfyUiClient({ baseUrl: emulator.urls.comfyui });
    const job = await textJob();
    const first = await startJob(client, job).result;
    const second = await startJob(client, job).result;
    expect(second.assets).toEqual(first.assets);
    expect(acceptedJobs()).toBe(1);
  });

  it('runs once when the second call comes while the first still runs, as after a crash', async () => {
    const job = await textJob();
    const first = startJob(createComfyUiClient({ baseUrl: emulator.urls.comfyui }), job);
    await first.dispatch.reached('accepted');
    const second = startJob(createComfyUiClient({ baseUrl: emulator.urls.comfyui }), job);
    const results = await Promise.all([first.result, second.result]);
    expect(results[1].assets).toEqual(results[0].assets);
    expect(acceptedJobs()).toBe(1);
  });

  it('runs once though the pod took the first submit and then cut the connection', async () => {
    emulator.faults.add({ provider: 'comfyui', fault: 'submit_lost', times: 1 });
    const client = createComfyUiClient({ baseUrl: emulator.urls.comfyui });
    await expect(startJob(client, await textJob()).result).resolves.toBeDefined();
    expect(acceptedJobs()).toBe(1);
  });

  it.each(['accepted_502', 'accepted_504'] as const)(
    'runs once though a gateway answered for the pod (%s), which could then not be asked',
    async (fault) => {
      emulator.faults.add({ provider: 'comfyui', fault, times: 1 });
      const client = createComfyUiClient({ baseUrl: emulator.urls.comfyui });
      const job = await textJob();
      const first = startJob(client, job);
      await first.dispatch.reached('intent');
      emulator.faults.add({ provider: 'comfyui', fault: 'html_502', params: { on: 'queue' }, times: 1 });
      const lost = { code: 'submit_unconfirmed', certainty: 'unknown', status: undefined, endsJob: false };
      await expect(first.result).rejects.toMatchObject(lost);
      expect(first.dispatch.state).toEqual({ phase: 'intent', clue: { promptId: promptIdOf(job.jobKey) } });

      const dispatch = new RecordingDispatch(first.dispatch.state);
      const { providerRequestId } = await startJob(client, job, { dispatch }).result;

      expect(providerRequestId).toBe(promptIdOf(job.jobKey));
      expect(dispatch.notes).not.toContain('intent');
      expect(acceptedJobs()).toBe(1);
    },
  );

  it('runs once though the pod restarted after the run had finished, and knows nothing of it', async () => {
    const client = createComfyUiClient({ baseUrl: emulator.urls.comfyui });
    const job = await textJob();
    const first = startJob(client, job);
    const { assets } = await first.result;
    await emulator.setProviderState('comfyui', 'down');
    await emulator.setProviderState('comfyui', 'up');

    const next = createComfyUiClient({ baseUrl: emulator.urls.comfyui });
    const again = startJob(next, job, { dispatch: new RecordingDispatch(lostSubmitOf(job)) });

    expect((await again.result).assets).toEqual(assets);
    expect(acceptedJobs()).toBe(1);
  });

  it('ends in the failure of its one run however often it is asked for, until it is asked for under another key', async () => {
    emulator.faults.add({ provider: 'comfyui', fault: 'pod_error_incomplete', times: 1 });
    const client = createComfyUiClient({ baseUrl: emulator.urls.comfyui });
    const job = await textJob();
    const over = { failureClass: 'transient', certainty: 'accepted', endsJob: true };
    await expect(startJob(client, job).result).rejects.toMatchObject(over);
    await expect(startJob(client, job).result).rejects.toMatchObject(over);
    expect(acceptedJobs()).toBe(1);
    const next = { ...job, jobKey: `${job.jobKey}/2` };
    await expect(startJob(client, next).result).resolves.toMatchObject({
      providerRequestId: promptIdOf(next.jobKey),
    });
    expect(acceptedJobs()).toBe(2);
  });
});
