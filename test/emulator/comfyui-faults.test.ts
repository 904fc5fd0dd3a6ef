import { startEmulator, type RunningEmulator } from '../../emulator/start-emulator';
import type { FaultName, FaultParameters } from '../../emulator/faults/fault-catalogue';
import { exchange, json } from './support/exchange';
import { textGraph } from './support/graphs';
import { samplePng } from './support/pictures';
import { historyOf, PodListener, submit, upload, type PodHistory } from './support/pod-client';

let emulator: RunningEmulator;
let pod: string;
let listener: PodListener;
const job = { prompt: textGraph(), prompt_id: 'job', client_id: 'client' };

beforeAll(async () => {
  emulator = await startEmulator({ timeScale: 0.001 });
  pod = emulator.urls.comfyui;
});
afterAll(() => emulator.close());
beforeEach(async () => {
  await emulator.reset();
  listener = await PodListener.open(pod, 'client');
});
afterEach(() => {
  listener.close();
});

const add = (fault: FaultName, params: FaultParameters = {}): void =>
  void emulator.faults.add({ provider: 'comfyui', fault, params, times: 1 });

async function run(): Promise<PodHistory | undefined> {
  await submit(pod, job);
  await listener.finished('job');
  return await historyOf(pod, 'job');
}

describe('faults of a run', () => {
  it('pod_error_incomplete: status error, not completed, with the exception in the messages', async () => {
    add('pod_error_incomplete', { type: 'OutOfMemoryError', message: 'Allocation on device' });
    const history = await run();
    expect(history?.status).toMatchObject({ status_str: 'error', completed: false });
    const error = history?.status.messages.find(([event]) => event === 'execution_error')?.[1];
    expect(error).toMatchObject({
      exception_type: 'OutOfMemoryError',
      exception_message: 'Allocation on device',
      node_type: 'KSampler',
    });
    expect(emulator.journal.read().entries).toMatchObject([{ outcome: 'failed' }]);
  });

  it('pod_interrupted: an error too, told apart by its message only', async () => {
    add('pod_interrupted');
    const { status } = (await run()) ?? {};
    expect([status?.status_str, status?.completed]).toEqual(['error', false]);
    expect(status?.messages.map(([event]) => event)).toContain('execution_interrupted');
  });

  it('pod_no_images: success with nothing to show', async () => {
    add('pod_no_images');
    expect(await run()).toMatchObject({ outputs: {}, status: { status_str: 'success', completed: true } });
  });

  it('pod_temp_only: success with previews only', async () => {
    add('pod_temp_only');
    expect((await run())?.outputs['9']?.images).toMatchObject([{ type: 'temp' }]);
  });

  it('pod_restart: the job vanishes from queue and history, and the line is cut', async () => {
    add('pod_restart');
    const cut = new Promise((resolve) => listener.socket.once('close', resolve));
    await submit(pod, job);
    await cut;
    expect(await historyOf(pod, 'job')).toBeUndefined();
    expect(json(await exchange('GET', `${pod}/queue`))).toEqual({ queue_running: [], queue_pending: [] });
    expect(emulator.journal.read().entries).toMatchObject([{ outcome: 'lost' }]);
  });

  it('pod_dies_saving: half a picture under its final name, and a server that knows nothing of it', async () => {
    add('pod_dies_saving');
    const cut = new Promise((resolve) => listener.socket.once('close', resolve));
    await submit(pod, job);
    await cut;
    expect(await historyOf(pod, 'job')).toBeUndefined();
    expect(json(await exchange('GET', `${pod}/queue`))).toEqual({ queue_running: [], queue_pending: [] });
    const half = await exchange('GET', `${pod}/view?filename=door_00001_.png`);
    expect(emulator.journal.read().entries).toMatchObject([{ outcome: 'lost', responseDelivered: false }]);

    listener = await PodListener.open(pod, 'client');
    expect((await run())?.outputs['9']?.images).toMatchObject([{ filename: 'door_00002_.png' }]);
    const whole = await exchange('GET', `${pod}/view?filename=door_00002_.png`);
    expect(half.bytes).toEqual(whole.bytes.subarray(0, Math.floor(whole.bytes.length / 2)));
    expect((await exchange('GET', `${pod}/view?filename=door_00001_.png`)).bytes).toEqual(half.bytes);
  });

  it('queue_stuck: the job waits for ever while others overtake it', async () => {
    add('queue_stuck');
    await submit(pod, { ...job, prompt_id: 'stuck' });
    await run();
    const { queue_pending: pending } = json(await exchange('GET', `${pod}/queue`)) as {
      queue_pending: unknown[][];
    };
    expect(pending.map(([, id]) => id)).toEqual(['stuck']);
    expect(await historyOf(pod, 'stuck')).toBeUndefined();
  });

  it('websocket_dropped: no events, but the history comes all the same', async () => {
    add('websocket_dropped');
    await submit(pod, job);
    while ((await historyOf(pod, 'job')) === undefined);
    expect(listener.events.map(({ type }) => type)).not.toContain('execution_success');
  });

  it('websocket_refused: the handshake fails with 502', async () => {
    add('websocket_refused');
    await expect(PodListener.open(pod, 'other')).rejects.toThrow('502');
  });
});

describe('faults of the submit', () => {
  const refusals: [FaultName, number, string][] = [
    ['pod_400_lora', 400, "lora_name: 'missing.safetensors' not in"],
    ['pod_400_model', 400, "ckpt_name: 'missing.safetensors' not in"],
    ['rate_limited', 429, 'too many'],
    ['html_502', 502, '<html>'],
    ['plain_500', 500, 'error'],
    ['http_503', 503, 'unavailable'],
  ];
  it.each(refusals)('%s answers %i and queues nothing', async (fault, status, says) => {
    add(fault);
    const reply = await submit(pod, job);
    expect([reply.status, reply.text]).toEqual([status, expect.stringContaining(says)]);
    expect(emulator.journal.read()).toMatchObject({ entries: [], rejections: [{ status }] });
  });

  it('pod_node_errors: 200 with complaints, and the job is queued', async () => {
    add('pod_node_errors');
    const reply = await submit(pod, job);
    expect([reply.status, Object.keys((json(reply) as { node_errors: object }).node_errors)]).toEqual([
      200,
      ['1'],
    ]);
    await listener.finished('job');
  });

  it('submit_lost queues the job, reset_before_headers does not', async () => {
    add('reset_before_headers');
    await expect(submit(pod, job)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(emulator.journal.read().entries).toEqual([]);
    add('submit_lost');
    await expect(submit(pod, job)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await listener.finished('job');
    expect(emulator.journal.read().entries).toMatchObject([{ promptId: 'job', outcome: 'succeeded' }]);
  });

  it.each([
    ['accepted_504', 504],
    ['accepted_502', 502],
  ] as const)('%s queues the job and says nothing of it', async (fault, status) => {
    add(fault);
    const reply = await submit(pod, job);
    expect([reply.status, reply.text]).toEqual([status, expect.not.stringContaining('prompt_id')]);
    await listener.finished('job');
    expect(emulator.journal.read().entries).toMatchObject([{ promptId: 'job', outcome: 'succeeded' }]);
  });
});

describe('faults of files and polls', () => {
  it('upload_renamed stores the picture under another name', async () => {
    add('upload_renamed');
    expect(json(await upload(pod, await samplePng(), 'face.png'))['name']).toBe('face (1).png');
  });

  const views: [FaultName, number, string][] = [
    ['empty_200', 200, ''],
    ['html_200', 200, '<html>'],
    ['json_200', 200, '{"error":'],
  ];
  it.each(views)('%s strikes the download once', async (fault, status, says) => {
    await run();
    add(fault);
    const url = `${pod}/view?filename=door_00001_.png`;
    const [first, second] = [await exchange('GET', url), await exchange('GET', url)];
    expect([first.status, first.text]).toEqual([status, expect.stringContaining(says)]);
    expect(second.bytes.subarray(1, 4).toString()).toBe('PNG');
  });

  it.each(['truncated', 'reset_mid_body'] as const)('%s does not deliver the picture', async (fault) => {
    await run();
    add(fault);
    await exchange('GET', `${pod}/view?filename=door_00001_.png`).catch(() => undefined);
    expect(emulator.journal.read().entries).toMatchObject([{ responseDelivered: false }]);
    await exchange('GET', `${pod}/view?filename=door_00001_.png`);
    expect(emulator.journal.read().entries).toMatchObject([{ responseDelivered: true }]);
  });

  it.each(['history', 'queue'])('a fault can strike %s polls', async (on) => {
    add('html_502', { on });
    const path = on === 'history' ? '/history/x' : '/queue';
    expect([(await exchange('GET', pod + path)).status, (await exchange('GET', pod + path)).status]).toEqual([
      502, 200,
    ]);
  });
});
