import { randomUUID } from 'node:crypto';
import sharp from 'sharp';
import { startEmulator, type RunningEmulator } from '../../emulator/start-emulator';
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
    expect(ofRun.slice(0, 4).map(({ type }) => type)).toEqual([
      'execution_start',
      'execution_cached',
      'progress_state',
      'executing',
    ]);
    expect(ofRun.filter(({ type }) => type === 'progress').at(-1)?.data).toMatchObject({
      value: 20,
      max: 20,
      node: '5',
    });
    expect(types.slice(-5)).toEqual([
      'executed',
      'progress_state',
      'execution_success',
      'status',
      'executing',
    ]);
    expect(listener.binaryFrames).toBeGreaterThan(0);
  });

  it('tells the progress of every node from its start to its end, with that of all before it', async () => {
    const id = await run(textGraph());
    const states = listener.events
      .filter(({ type }) => type === 'progress_state')
      .map(({ data }) => data['nodes'] as Record<string, { state: string; value: number; max: number }>);
    const nodes = ['1', '2', '3', '4', '5', '6', '9'];
    for (const node of nodes) {
      const ofNode = states.flatMap((seen) => seen[node] ?? []);
      expect(ofNode[0]).toMatchObject({ state: 'running', value: 0, node_id: node, prompt_id: id });
      expect(ofNode.at(-1)).toMatchObject({ state: 'finished', value: ofNode.at(-1)?.max });
    }
    expect(Object.keys(states.at(-1) ?? {})).toEqual(nodes);
    expect(states.flatMap((seen) => seen['5'] ?? [])).toContainEqual(
      expect.objectContaining({ state: 'running', value: 10, max: 20 }),
    );
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
    'an output that links to nothing',
    withInput(graph, '9', 'images', ['77', 0]),
    'prompt_outputs_failed_validation',
    'exception_during_validation',
  ],
  [
    'a link to nothing further back',
    withInput(graph, '6', 'vae', ['77', 0]),
    'prompt_outputs_failed_validation',
    'exception_during_inner_validation',
  ],
  [
    'a link to an output a node does not have',
    withInput(graph, '6', 'vae', ['1', 3]),
    'prompt_outputs_failed_validation',
    'exception_during_inner_validation',
  ],
  [
    'a link of three parts',
    withInput(graph, '6', 'vae', ['1', 2, 3]),
    'prompt_outputs_failed_validation',
    'bad_linked_input',
  ],
  [
    'a link of the wrong type, behind which the server does not look',
    withInput(withInput(graph, '9', 'images', ['1', 0]), '1', 'ckpt_name', 'x.safetensors'),
    'prompt_outputs_failed_validation',
    'return_type_mismatch',
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

describe('a graph that fails while it runs', () => {
  const errorOf = async (prompt: unknown): Promise<Record<string, unknown> | undefined> => {
    const id = await run(prompt);
    const history = await historyOf(pod, id);
    expect(history?.status).toMatchObject({ status_str: 'error', completed: false });
    expect(history?.outputs).toEqual({});
    expect(emulator.journal.read()).toMatchObject({ entries: [{ outcome: 'failed' }], rejections: [] });
    return history?.status.messages.find(([event]) => event === 'execution_error')?.[1];
  };

  it('for an upscale model the pod lacks', async () => {
    await upload(pod, await samplePng(8, 8), 'small.png');
    const error = await errorOf(withInput(upscaleGraph('small.png'), '2', 'model_name', 'x.pth'));
    expect(error).toMatchObject({
      node_id: '2',
      node_type: 'UpscaleModelLoader',
      exception_type: 'FileNotFoundError',
      exception_message: "Model in folder 'upscale_models' with filename 'x.pth' not found.\n",
      current_inputs: { model_name: ['x.pth'] },
    });
  });

  it.each(['../../evil', '/evil/door', 'a/../../door'])('for the file name %s', async (prefix) => {
    const error = await errorOf(withInput(graph, '9', 'filename_prefix', prefix));
    expect(error).toMatchObject({
      node_type: 'SaveImage',
      exception_type: 'Exception',
      exception_message: expect.stringContaining('outside the output folder') as unknown,
    });
    expect(error?.['executed']).toEqual(expect.arrayContaining(['5', '6']));
  });

  it('but not for a name that stays inside', async () => {
    const id = await run(withInput(graph, '9', 'filename_prefix', 'a/../b/door'));
    const images = (await historyOf(pod, id))?.outputs['9']?.images;
    expect(images).toEqual([{ filename: 'door_00001_.png', subfolder: 'b', type: 'output' }]);
  });
});

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

  it('is refused with the complaints at the node they are about', async () => {
    const reply = await submit(pod, { prompt: withInput(graph, '6', 'vae', ['77', 0]) });
    const { node_errors: errors } = json(reply) as { node_errors: Record<string, unknown> };
    expect(errors).toMatchObject({
      '6': { errors: [{ details: "'77'" }], dependent_outputs: ['9'], class_type: 'VAEDecode' },
    });
    expect(Object.keys(errors)).toEqual(['6']);
    const output = await submit(pod, { prompt: withInput(graph, '9', 'images', ['77', 0]) });
    expect(json(output)).toMatchObject({ error: { details: "Exception when validating node: '77'" } });
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

  it('a preview is not made smaller', async () => {
    await run(textGraph());
    const url = '/view?filename=door_00001_.png';
    const [whole, preview] = [await get(url), await get(`${url}&preview=webp`)];
    expect(preview.headers['content-type']).toBe('image/png');
    expect(preview.bytes.equals(whole.bytes)).toBe(true);
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
    expect(json(await get('/object_info/UpscaleModelLoader'))).toMatchObject({
      UpscaleModelLoader: {
        input: {
          required: {
            model_name: ['COMBO', { options: expect.arrayContaining(['4x-UltraSharp.pth']) as unknown }],
          },
        },
      },
    });
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
