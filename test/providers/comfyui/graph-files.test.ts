import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildGraph, requireInputs } from '../../../src/providers/comfyui/build-graph';
import { createComfyUiClient } from '../../../src/providers/comfyui/client';
import { parseGraphFile } from '../../../src/providers/comfyui/graph-file';
import { loadGraphLibrary } from '../../../src/providers/comfyui/graph-library';

const endpoints = [
  'sdxl-text-to-image',
  'sdxl-instantid',
  'sdxl-image-to-image',
  'sdxl-inpaint',
  'upscale-4x',
] as const;

/** A small valid file, with anything about it changed. */
function graphFile(changes: Record<string, unknown> = {}): string {
  return JSON.stringify({
    name: 'custom',
    description: 'A test graph.',
    parameters: {
      prompt: { type: 'string', description: 'Text.' },
      seed: { type: 'integer', description: 'Seed.', default: 3 },
    },
    outputNode: '2',
    graph: {
      '1': {
        class_type: 'Sampler',
        inputs: { text: 'photo of {{prompt}}, seed {{seed}}', seed: '{{ seed }}' },
      },
      '2': { class_type: 'SaveImage', inputs: { images: ['1', 0] } },
    },
    ...changes,
  });
}

function parse(content: string) {
  return parseGraphFile(content, { file: '/graphs/custom.json', expectedName: 'custom' });
}

describe('the graphs that come with the service', () => {
  it.each(endpoints)('%s can be loaded', (name) => {
    expect(loadGraphLibrary().get(name)).toMatchObject({ name, outputNode: '9' });
  });

  it('leave an unknown endpoint to another provider', () => {
    const error = thrownBy(() => loadGraphLibrary().get('sdxl-unheard-of'));
    expect(error).toMatchObject({ failureClass: 'auth', code: 'graph_missing', certainty: 'not_sent' });
  });
});

describe('a folder of replacement graphs', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ryla-graphs-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('wins over ours of the same name, adds its own, and leaves the rest', async () => {
    await writeFile(join(folder, 'upscale-4x.json'), graphFile({ name: 'upscale-4x' }));
    await writeFile(join(folder, 'custom.json'), graphFile());
    await writeFile(join(folder, 'README.md'), 'not a graph');
    const library = loadGraphLibrary(folder);
    expect(library.get('upscale-4x').outputNode).toBe('2');
    expect(library.get('custom').outputNode).toBe('2');
    expect(library.get('sdxl-instantid').outputNode).toBe('9');
  });

  it('stops the process at its start when a file is broken, naming the file', async () => {
    const file = join(folder, 'custom.json');
    await writeFile(file, '{ "name": ');
    expect(() => createComfyUiClient({ baseUrl: 'http://127.0.0.1:1', graphsDir: folder })).toThrow(
      `ComfyUI graph ${file}: is no JSON`,
    );
  });

  it('must exist and be a folder of files', async () => {
    expect(() => loadGraphLibrary(join(folder, 'absent'))).toThrow('the folder cannot be read');
    await mkdir(join(folder, 'custom.json'));
    expect(() => loadGraphLibrary(folder)).toThrow('custom.json: cannot be read');
  });
});

describe('a graph file', () => {
  it.each([
    ['is no object', '[]', /expected object/],
    ['has another name than its file', graphFile({ name: 'other' }), 'name: is "other", expected "custom"'],
    [
      'has no node to take the result from',
      graphFile({ outputNode: '9' }),
      'outputNode: there is no node "9"',
    ],
    ['has a field nobody knows', graphFile({ outputs: ['2'] }), /outputs/],
    [
      'has a node without a class',
      graphFile({ graph: { '2': { inputs: {} } } }),
      /graph\.2\.class_type: .*expected string/,
    ],
    [
      'links to a node that is not there',
      graphFile({ graph: { '2': { class_type: 'SaveImage', inputs: { images: ['7', 0] } } } }),
      'graph.2.inputs.images: there is no node "7"',
    ],
    [
      'uses a placeholder it does not declare',
      graphFile({ graph: { '2': { class_type: 'X', inputs: { a: '{{propmt}}' } } } }),
      'graph: uses {{propmt}}, which is not among the parameters',
    ],
    [
      'declares a parameter it does not use',
      graphFile({ graph: { '2': { class_type: 'X', inputs: { a: '{{prompt}}' } } } }),
      'parameters.seed: is not used in the graph',
    ],
    [
      'has a default of the wrong type',
      graphFile({
        parameters: {
          prompt: { type: 'string', description: 'Text.' },
          seed: { type: 'integer', description: 'Seed.', default: 'three' },
        },
      }),
      'parameters.seed.default: is no integer',
    ],
  ])('is refused when it %s, with the file and the reason', (_name, content, message) => {
    expect(() => parse(content)).toThrow(message);
    expect(() => parse(content)).toThrow('ComfyUI graph /graphs/custom.json: ');
  });
});

describe('filling in a graph', () => {
  it('gives a whole placeholder the type of its value, and puts others into the text', () => {
    const graph = buildGraph(parse(graphFile()), { prompt: 'a cat', seed: 42 });
    expect(graph['1']).toEqual({
      class_type: 'Sampler',
      inputs: { text: 'photo of a cat, seed 42', seed: 42 },
    });
    expect(graph['2']).toEqual({ class_type: 'SaveImage', inputs: { images: ['1', 0] } });
  });

  it('takes the default for a parameter that is left out, and ignores what the graph does not know', () => {
    const graph = buildGraph(parse(graphFile()), { prompt: 'a cat', negative_prompt: 'blur' });
    expect(graph['1']).toMatchObject({ inputs: { seed: 3 } });
  });

  it('never reads a placeholder, or a replacement pattern, out of a prompt', () => {
    const graph = buildGraph(parse(graphFile()), { prompt: 'a {{seed}} for $& and $1', seed: 42 });
    expect(graph['1']).toMatchObject({ inputs: { text: 'photo of a {{seed}} for $& and $1, seed 42' } });
  });

  it('does not change the file it is made from', () => {
    const file = parse(graphFile());
    buildGraph(file, { prompt: 'one' });
    expect(buildGraph(file, { prompt: 'two' })['1']).toMatchObject({
      inputs: { text: 'photo of two, seed 3' },
    });
  });

  it.each([
    ['is missing', {}, 'needs the parameter "prompt"'],
    ['has the wrong type', { prompt: 'a', seed: 1.5 }, 'needs "seed" to be of type integer'],
  ])('fails as a matter of this deployment when a value %s', (_name, values, message) => {
    const error = thrownBy(() => buildGraph(parse(graphFile()), values));
    expect(error).toMatchObject({ failureClass: 'auth', code: 'graph_mismatch', certainty: 'not_sent' });
    expect(String(error)).toContain(message);
  });

  it('refuses to leave out a picture the graph has no place for', () => {
    const inputsOf = (name: string) => () => {
      requireInputs(loadGraphLibrary().get(name), ['reference_image']);
    };
    expect(inputsOf('sdxl-instantid')).not.toThrow();
    expect(thrownBy(inputsOf('sdxl-text-to-image'))).toMatchObject({
      failureClass: 'auth',
      code: 'graph_mismatch',
    });
  });
});

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
