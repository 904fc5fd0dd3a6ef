import { randomUUID } from 'node:crypto';
import sharp from 'sharp';
import { startEmulator, type RunningEmulator } from '../../src/emulator/start-emulator';
import { exchange, json, type Exchange } from './support/exchange';
import { textGraph, upscaleGraph, withInput } from './support/graphs';
import { samplePng } from './support/pictures';
import { historyOf, PodListener, submit, upload } from './support/pod-client';

let emulator: RunningEmulator;
let pod: string;
let listener: PodListener;
const clientId = 'a-client';

beforeAll(async () => {
  emulator = await startEmulator({ timeScale: 0.001 });
  pod = emulator.urls.comfyui;
});
afterAll(() => emulator.close());
beforeEach(async () => {
  await emulator.reset();
  listener = await PodListener.open(pod, clientId);
});
afterEach(() => {
  listener.close();
});

const get = (path: string): Promise<Exchange> => exchange('GET', pod + path);

async function run(graph: unknown, id: string = randomUUID()): Promise<string> {
  const reply = await submit(pod, { prompt: graph, client_id: clientId, prompt_id: id });
  expect(json(reply)).toMatchObject({ prompt_id: id, node_errors: {} });
  await listener.finished(id);
  return id;
}

describe('a graph that runs', () => {
  it('ends in a history with the picture, in the size of its latent', async () => {
    const id = await run(textGraph());
    const history = await historyOf(pod, id);

    expect(history?.status).toMatchObject({ status_str: 'success', completed: true });
    const [image] = history?.outputs['9']?.images ?? [];
    expect(image).toEqual({ filename: 'door_00001_.png', subfolder: '', type: 'output' });
    const file = await get(`/view?filename=${image?.filename}&type=output`);
    expect(file.headers['content-type']).toBe('image/png');
    expect(await sharp(file.bytes).metadata()).toMatchObject({ format: 'png', width: 256, height: 384 });
  });

  it('tells its client what it does, frame by frame, and ends with an empty executing', async () => {
    const id = await run(textGraph());

    const types = listener.events.map(({ type }) => type);
    expect(types[0]).toBe('status');
    expect(listener.events[0]?.data['sid']).toBe(clientId);
    const ofRun = listener.events.filter(({ data }) => data['prompt_id'] === id);
    expect(ofRun.slice(0, 3).map(({ type }) => type)).toEqual([
      'execution_start',
      'execution_cached',
      'executing',
    ]);
    expect(ofRun.filter(({ type }) => type === 'progress').at(-1)?.data).toMatchObject({
      value: 20,
      max: 20,
      node: '5',
    });
    expect(ofRun.slice(-3).map(({ type }) => type)).toEqual(['executed', 'execution_success', 'executing']);
    expect(listener.binaryFrames).toBeGreaterThan(0);
  });

  it('tells other clients nothing of it', async () => {
    const other = await PodListener.open(pod, 'somebody-else');
    await run(textGraph());
    other.close();
    expect(other.events.map(({ type }) => type)).not.toContain('execution_start');
  });

  it('runs again under the same id, from the cache: no node executes and the files are the same', async () => {
    const id = await run(textGraph());
    const first = await historyOf(pod, id);
    listener.events.length = 0;
    await run(textGraph(), id);

    const executing = listener.events.filter(
      ({ type, data }) => type === 'executing' && data['node'] !== null,
    );
    expect(executing).toEqual([]);
    const cached = listener.events.find(({ type }) => type === 'execution_cached');
    expect(cached?.data['nodes']).toHaveLength(7);
    expect((await historyOf(pod, id))?.outputs).toEqual(first?.outputs);
    expect(emulator.journal.read().entries.map(({ promptId }) => promptId)).toEqual([id, id]);
  });

  it('enlarges an uploaded picture', async () => {
    const { name } = json(await upload(pod, await samplePng(50, 40), 'small.png')) as { name: string };
    await run(upscaleGraph(name));
    const file = await get('/view?filename=big_00001_.png');
    expect(await sharp(file.bytes).metadata()).toMatchObject({ width: 200, height: 160 });
  });

  it('saves one file per picture of the batch', async () => {
    const id = await run(textGraph({ batch: 2 }));
    expect((await historyOf(pod, id))?.outputs['9']?.images).toHaveLength(2);
  });
});

const graph = textGraph();
const refused: [what: string, prompt: unknown, type: string, problem: string | undefined][] = [
  ['no prompt', undefined, 'no_prompt', undefined],
  ['a node without class_type', { '1': { inputs: {} } }, 'invalid_prompt', undefined],
  ['an unknown node', { '1': { class_type: 'Nope', inputs: {} } }, 'invalid_prompt', undefined],
  ['no output node', { '1': graph['1'] }, 'prompt_no_outputs', undefined],
  [
    'a missing input',
    withInput(graph, '5', 'seed', undefined),
    'prompt_outputs_failed_validation',
    'required_input_missing',
  ],
  [
    'a checkpoint the pod lacks',
    withInput(graph, '1', 'ckpt_name', 'x.safetensors'),
    'prompt_outputs_failed_validation',
    'value_not_in_list',
  ],
  [
    'a width below the minimum',
    withInput(graph, '4', 'width', 8),
    'prompt_outputs_failed_validation',
    'value_smaller_than_min',
  ],
  [
    'too many steps',
    withInput(graph, '5', 'steps', 10_001),
    'prompt_outputs_failed_validation',
    'value_bigger_than_max',
  ],
  [
    'a word for a number',
    withInput(graph, '5', 'cfg', 'much'),
    'prompt_outputs_failed_validation',
    'invalid_input_type',
  ],
  [
    'a link to nothing',
    withInput(graph, '6', 'vae', ['77', 0]),
    'prompt_outputs_failed_validation',
    'bad_linked_input',
  ],
  [
    'a link of the wrong type',
    withInput(graph, '5', 'model', ['1', 1]),
    'prompt_outputs_failed_validation',
    'return_type_mismatch',
  ],
  [
    'a cycle',
    withInput(graph, '5', 'latent_image', ['5', 0]),
    'prompt_outputs_failed_validation',
    'exception_during_validation',
  ],
  [
    'a picture that was not uploaded',
    upscaleGraph('absent.png'),
    'prompt_outputs_failed_validation',
    'custom_validation_failed',
  ],
];

describe('a graph that cannot run', () => {
  it.each(refused)('with %s is refused', async (_what, prompt, type, problem) => {
    const reply = await submit(pod, { prompt });

    expect(reply.status).toBe(400);
    const body = json(reply) as {
      error: { type: string };
      node_errors: Record<string, { errors: { type: string }[] }>;
    };
    expect(body.error.type).toBe(type);
    const problems = Object.values(body.node_errors).flatMap(({ errors }) =>
      errors.map((error) => error.type),
    );
    expect(problems).toEqual(problem === undefined ? [] : [problem]);
    expect(emulator.journal.read()).toMatchObject({ entries: [], rejections: [{ status: 400 }] });
  });

  it('is an error of the server when the body is no JSON', async () => {
    const reply = await exchange('POST', `${pod}/prompt`, '{');
    expect(reply.status).toBe(500);
    expect(reply.headers['content-type']).toContain('text/plain');
  });
});

describe('queue and history', () => {
  it('list what runs and what waits, and answer {} for everything else', async () => {
    emulator.settings.change({ timeScale: 10 });
    await submit(pod, { prompt: textGraph(), prompt_id: 'first' });
    await submit(pod, { prompt: textGraph({ seed: 8 }), prompt_id: 'second' });

    const queue = json(await get('/queue')) as { queue_running: unknown[][]; queue_pending: unknown[][] };
    expect(queue.queue_running.map(([, id]) => id)).toEqual(['first']);
    expect(queue.queue_pending.map(([, id]) => id)).toEqual(['second']);
    expect(queue.queue_pending[0]?.[4]).toEqual(['9']);
    expect((await get('/history/first')).text).toBe('{}');
    expect((await get('/history/unknown')).text).toBe('{}');
    expect(json(await get('/prompt'))).toEqual({ exec_info: { queue_remaining: 2 } });
  });

  it('a deleted job leaves the queue and never gets a history', async () => {
    emulator.settings.change({ timeScale: 10 });
    await submit(pod, { prompt: textGraph(), prompt_id: 'first' });
    await submit(pod, { prompt: textGraph({ seed: 8 }), prompt_id: 'second' });
    const reply = await exchange('POST', `${pod}/queue`, { delete: ['second', 'first'] });

    expect([reply.status, reply.text]).toEqual([200, '']);
    const queue = json(await get('/queue')) as { queue_running: unknown[]; queue_pending: unknown[] };
    expect([queue.queue_running.length, queue.queue_pending.length]).toEqual([1, 0]);
    expect(emulator.journal.read().entries.map(({ outcome }) => outcome)).toEqual(['running', 'cancelled']);
  });

  it('an interrupt with another id does nothing; with its own the run ends in an error that says so', async () => {
    emulator.settings.change({ timeScale: 0.02 });
    await submit(pod, { prompt: textGraph(), prompt_id: 'mine', client_id: clientId });
    await listener.until(({ type }) => type === 'progress');
    const other = await exchange('POST', `${pod}/interrupt`, { prompt_id: 'other' });
    const seen = listener.events.length;
    await listener.until((event) => event.type === 'progress' && listener.events.indexOf(event) > seen);
    const own = await exchange('POST', `${pod}/interrupt`, { prompt_id: 'mine' });
    await listener.finished('mine');

    expect([other.status, other.text, own.status]).toEqual([200, '', 200]);
    const history = await historyOf(pod, 'mine');
    expect(history?.status).toMatchObject({ status_str: 'error', completed: false });
    expect(history?.status.messages.map(([event]) => event)).toContain('execution_interrupted');
    expect(emulator.journal.read().entries).toMatchObject([{ outcome: 'cancelled' }]);
  });
});

describe('files', () => {
  it.each([
    ['/view', 404],
    ['/view?filename=absent.png', 404],
    ['/view?filename=../secret', 400],
    ['/view?filename=a.png&type=elsewhere', 400],
    ['/view?filename=a.png&subfolder=../..', 403],
  ])('%s answers %i', async (path, status) => {
    const reply = await get(path);
    expect([reply.status, reply.text]).toEqual([status, '']);
  });

  it('an upload without a file is 400', async () => {
    expect((await exchange('POST', `${pod}/upload/image`, {})).status).toBe(400);
  });

  it('a name that is taken gets a number, unless it may be overwritten', async () => {
    await upload(pod, await samplePng(8, 8), 'face.png');
    const second = json(await upload(pod, await samplePng(9, 9), 'face.png'));
    const same = json(await upload(pod, await samplePng(8, 8), 'face.png'));
    const third = json(
      await upload(pod, await samplePng(10, 10), 'face.png', { overwrite: 'true', subfolder: '' }),
    );
    expect([second['name'], same['name'], third['name']]).toEqual(['face (1).png', 'face.png', 'face.png']);
    expect(third).toEqual({ name: 'face.png', subfolder: '', type: 'input' });
  });
});

describe('the server', () => {
  it('shows its models and nodes', async () => {
    const info = json(await get('/object_info/CheckpointLoaderSimple')) as Record<
      string,
      { input: { required: Record<string, unknown[][]> } }
    >;
    expect(info['CheckpointLoaderSimple']?.input.required['ckpt_name']?.[0]).toContain(
      'sd_xl_base_1.0.safetensors',
    );
    expect(Object.keys(json(await get('/object_info')))).toEqual(
      expect.arrayContaining(['ApplyInstantID', 'LoraLoader']),
    );
    expect(json(await get('/api/system_stats'))).toHaveProperty('system.comfyui_version');
  });

  it('refuses requests from pages of other origins', async () => {
    const foreign = await exchange('GET', `${pod}/queue`, undefined, { origin: 'http://evil.test' });
    const own = await exchange('GET', `${pod}/queue`, undefined, { origin: pod });
    expect([foreign.status, own.status]).toEqual([403, 200]);
  });

  it('forgets queue and history when it goes down, and comes back on the same port', async () => {
    const done = await run(textGraph());
    emulator.settings.change({ timeScale: 10 });
    await submit(pod, { prompt: textGraph({ seed: 9 }), prompt_id: 'lost' });
    await emulator.setProviderState('comfyui', 'down');
    await expect(get('/queue')).rejects.toThrow();
    await emulator.setProviderState('comfyui', 'up');

    expect((await get(`/history/${done}`)).text).toBe('{}');
    expect(json(await get('/queue'))).toEqual({ queue_running: [], queue_pending: [] });
    expect(emulator.journal.read().entries.map(({ outcome }) => outcome)).toEqual(['succeeded', 'lost']);
  });
});
