import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFilesystemAssetStore, toMediaStore } from '../../../src/assets';
import type { FaultName, FaultParameters } from '../../../emulator/faults/fault-catalogue';
import { startEmulator, type RunningEmulator } from '../../../emulator/start-emulator';
import { createComfyUiClient } from '../../../src/providers/comfyui/client';
import type { ProviderError } from '../../../src/providers/errors';
import { runJob } from '../../../src/providers/run-job';
import type { ProviderClient } from '../../../src/providers/types';
import { picture } from '../../assets/pictures';
import { waitUntil } from '../../support/wait-until';
import { MemoryMediaStore } from '../support/memory-media-store';
import { RecordingDispatch } from '../support/recording-dispatch';
import { startJob, textJob, type StartedJob } from './run-job';

let emulator: RunningEmulator;
let client: ProviderClient;
beforeAll(async () => {
  emulator = await startEmulator({ timeScale: 0.01 });
  client = createComfyUiClient({ baseUrl: emulator.urls.comfyui });
});
afterAll(async () => {
  await emulator.close();
});
beforeEach(async () => {
  await emulator.reset();
});

function strike(fault: FaultName, params: FaultParameters = {}, times?: number): void {
  emulator.faults.add({ provider: 'comfyui', fault, params, times });
}

function start(...[job = textJob(), options]: Partial<Tail<Parameters<typeof startJob>>>): StartedJob {
  return startJob(client, job, options);
}
type Tail<Items extends unknown[]> = Items extends [unknown, ...infer Rest] ? Rest : never;

function acceptedJobs(): number {
  return emulator.journal.read({ provider: 'comfyui' }).totals.accepted;
}

describe('each fault of a pod ends in its class', () => {
  it.each<[FaultName, FaultParameters, object, number]>([
    ['rate_limited', { retryAfter: 2 }, { failureClass: 'capacity', retryAfterMs: 2_000 }, 0],
    ['rate_limited', { retryAfter: -5 }, { failureClass: 'capacity', retryAfterMs: undefined }, 0],
    ['rate_limited', { retryAfter: null }, { failureClass: 'capacity', retryAfterMs: undefined }, 0],
    ['rate_limited', { retryAfter: 'soon' }, { failureClass: 'capacity', retryAfterMs: undefined }, 0],
    ['rate_limited', { retryAfter: 999_999 }, { failureClass: 'capacity', retryAfterMs: 600_000 }, 0],
    ['plain_500', {}, { failureClass: 'transient', certainty: 'not_sent' }, 0],
    ['html_502', {}, { failureClass: 'outage', certainty: 'not_sent' }, 0],
    ['html_502', { on: 'queue' }, { failureClass: 'outage', certainty: 'not_sent' }, 0],
    ['http_503', {}, { failureClass: 'outage', certainty: 'not_sent' }, 0],
    ['reset_before_headers', {}, { failureClass: 'transient', certainty: 'not_sent' }, 0],
    ['pod_400_lora', {}, { failureClass: 'lora', certainty: 'not_sent' }, 0],
    ['pod_400_model', {}, { failureClass: 'auth', code: 'model_missing' }, 0],
    ['pod_error_incomplete', {}, { failureClass: 'transient', code: 'execution_failed' }, 1],
    [
      'pod_error_incomplete',
      { type: 'torch.OutOfMemoryError', message: 'CUDA out of memory' },
      { failureClass: 'capacity', code: 'out_of_memory' },
      1,
    ],
    ['pod_interrupted', {}, { failureClass: 'transient', code: 'interrupted' }, 1],
    ['pod_no_images', {}, { failureClass: 'corrupt', code: 'no_output' }, 1],
    ['pod_temp_only', {}, { failureClass: 'corrupt', code: 'no_output' }, 1],
    ['pod_restart', {}, { failureClass: 'transient', code: 'run_vanished' }, 1],
    ['black_image', {}, { failureClass: 'corrupt', code: 'media_blank' }, 1],
    ['reset_mid_body', {}, { failureClass: 'corrupt', code: 'body_cut_off' }, 1],
    ['truncated', {}, { failureClass: 'corrupt', code: 'media_truncated' }, 1],
    ['empty_200', {}, { failureClass: 'corrupt', code: 'media_empty' }, 1],
    ['html_200', {}, { failureClass: 'corrupt', code: 'media_not_media' }, 1],
    ['json_200', {}, { failureClass: 'corrupt', code: 'media_not_media' }, 1],
  ])('%s %j', async (fault, params, failure, jobs) => {
    strike(fault, params);
    await expect(start().result).rejects.toMatchObject({
      name: 'ProviderError',
      provider: 'comfyui',
      ...failure,
    });
    expect(acceptedJobs()).toBe(jobs);
  });

  it('rate_limited with a date asks to be left alone until then', async () => {
    strike('rate_limited', { retryAfter: new Date(Date.now() + 60_000).toUTCString() });
    const error = (await start().result.catch((reason: unknown) => reason)) as ProviderError;
    expect(error).toMatchObject({ failureClass: 'capacity', certainty: 'not_sent' });
    expect(error.retryAfterMs).toBeGreaterThan(50_000);
    expect(error.retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  it('a 200 with node errors is a failure, and what was queued is taken out again', async () => {
    strike('pod_node_errors');
    await expect(start().result).rejects.toMatchObject({ name: 'ProviderError' });
    // An interrupted run ends at its next step: the pod may still name it for a moment.
    await waitUntil(async () => {
      const queue = (await (await fetch(`${emulator.urls.comfyui}/queue`)).json()) as Record<
        string,
        unknown[]
      >;
      return Object.values(queue).every((runs) => runs.length === 0);
    });
    const outcomes = emulator.journal.read({ provider: 'comfyui' }).entries.map(({ outcome }) => outcome);
    expect(outcomes).not.toContain('succeeded');
  });

  it('a queue that never moves is left when its time is up', async () => {
    strike('queue_stuck');
    const job = start(textJob({ deadlines: { queueSeconds: 0.3, totalSeconds: 5 } }));
    await expect(job.result).rejects.toMatchObject({ failureClass: 'capacity', code: 'queue_timeout' });
  });

  it.each([
    ['download', { downloadSeconds: 0.5 }, 'corrupt', 'body_stalled'],
    ['total', { totalSeconds: 1.5 }, 'transient', 'deadline_exceeded'],
  ])(
    'a body of one byte now and then ends at our own %s deadline',
    async (_kind, limits, failureClass, code) => {
      strike('slow_drip', { intervalMs: 100 });
      const job = start(textJob({ deadlines: limits }));
      await expect(job.result).rejects.toMatchObject({ failureClass, code, endsJob: false });
    },
  );

  it('a body that never ends is ended by the size limit', async () => {
    strike('oversize');
    const media = new MemoryMediaStore({ maxBytes: 2_000_000 });
    const job = start(textJob(), { media });
    await expect(job.result).rejects.toMatchObject({ failureClass: 'corrupt' });
  });

  it('a pod that is switched off refuses connections, which is an outage', async () => {
    await emulator.setProviderState('comfyui', 'down');
    await expect(start().result).rejects.toMatchObject({ failureClass: 'outage', certainty: 'not_sent' });
  });
});

describe('a pod that dies while it saves the picture', () => {
  it('lost the run, and made no bad picture', async () => {
    strike('pod_dies_saving', {}, 1);
    const job = textJob();
    const first = start(job);
    await expect(first.result).rejects.toMatchObject({ code: 'media_truncated', endsJob: false });
    const second = start(job, { dispatch: new RecordingDispatch(first.dispatch.state) });
    const vanished = { failureClass: 'transient', code: 'run_vanished', endsJob: true };
    await expect(second.result).rejects.toMatchObject(vanished);
    await expect(start({ ...job, jobKey: 'next' }).result).resolves.toBeDefined();
  });
});

describe('a pod without the model of a new-style loader', () => {
  it('takes the job, and says what it lacks only when it runs', async () => {
    const media = new MemoryMediaStore();
    const assetId = media.add(await picture('png'), 'image/png');
    const source = { field: 'source_image', assetId, mediaType: 'image/png' };
    const inputs = [{ ...source, encoding: 'upload', shape: 'value' } as const];
    const job = textJob({ endpoint: 'upscale-4x', parameters: { upscale_model: 'absent.pth' }, inputs });
    await expect(start(job, { media }).result).rejects.toMatchObject({
      ...{ failureClass: 'auth', code: 'model_missing' },
      ...{ certainty: 'accepted', endsJob: true, charge: 'none' },
    });
    expect(acceptedJobs()).toBe(1);
  });
});

describe('faults that are none to the caller', () => {
  it.each<[FaultName]>([['websocket_refused'], ['websocket_dropped'], ['submit_lost']])(
    '%s',
    async (fault) => {
      strike(fault);
      await expect(start().result).resolves.toMatchObject({ assets: [{ mediaType: 'image/png' }] });
      expect(acceptedJobs()).toBe(1);
    },
  );

  it('an upload that is stored under another name is loaded by that name', async () => {
    strike('upload_renamed', { value: 'x (1).png' });
    const media = new MemoryMediaStore();
    const assetId = media.add(await picture('png'), 'image/png');
    const inputs = [
      { field: 'source_image', assetId, mediaType: 'image/png', encoding: 'upload', shape: 'value' } as const,
    ];
    const parameters = { upscale_model: 'RealESRGAN_x4plus.pth' };
    await start(textJob({ endpoint: 'upscale-4x', parameters, inputs }), { media }).result;
    const [entry] = emulator.journal.read({ provider: 'comfyui' }).entries;
    const { prompt } = entry?.body as { prompt: Record<string, { inputs: object }> };
    expect(prompt['6']?.inputs).toEqual({ image: 'x (1).png' });
  });

  it('progress comes over the websocket while a run works', async () => {
    const job = start();
    await job.progressed(({ phase, fraction }) => phase === 'running' && fraction !== undefined);
    await job.result;
  });
});

describe('a download that failed', () => {
  it('is made again by the next call, without a second run', async () => {
    strike('truncated', {}, 1);
    await expect(start().result).rejects.toMatchObject({ failureClass: 'corrupt', endsJob: false });
    await expect(start().result).resolves.toBeDefined();
    expect(acceptedJobs()).toBe(1);
  });
});

describe('with the asset store on disk', () => {
  it('a broken download leaves no file, and the next call one whole picture', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'ryla-comfyui-'));
    const store = createFilesystemAssetStore({ directory });
    const generate = async () =>
      await runJob(client, textJob(), {
        signal: new AbortController().signal,
        dispatch: new RecordingDispatch(),
        media: toMediaStore(store),
        onProgress: () => undefined,
      });
    strike('reset_mid_body', {}, 1);
    await expect(generate()).rejects.toMatchObject({ failureClass: 'corrupt', code: 'body_cut_off' });
    expect(await filesIn(directory)).toEqual([]);

    const [asset] = (await generate()).assets;

    expect(await filesIn(directory)).toEqual([`${asset.assetId}.png`]);
    const { perceptualHash, ...facts } = asset;
    expect(await store.stat(asset.assetId)).toEqual(facts);
    expect(perceptualHash).toBeDefined();
    expect(asset).toMatchObject({ width: 512, height: 768 });
    await rm(directory, { recursive: true });
  });
});

async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

describe('a cancelled job', () => {
  it('is cancelled on the pod, and the one behind it runs', async () => {
    emulator.settings.change({ timeScale: 1 });
    const first = start();
    await first.dispatch.reached('accepted');
    await first.progressed(({ phase }) => phase === 'running');
    const second = start(textJob({ jobKey: 'generation-1/slot-2/1' }));
    await second.dispatch.reached('accepted');
    emulator.settings.change({ timeScale: 0.01 });
    first.controller.abort(new Error('cancelled by the user'));
    await expect(first.result).rejects.toThrow('cancelled by the user');
    await expect(second.result).resolves.toBeDefined();
    const outcomes = emulator.journal.read({ provider: 'comfyui' }).entries.map(({ outcome }) => outcome);
    expect(outcomes).toEqual(['cancelled', 'succeeded']);
  });
});
