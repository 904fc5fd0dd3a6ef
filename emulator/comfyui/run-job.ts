import { posix } from 'node:path';
import type { EmulatorContext } from '../context';
import { sha256 } from '../pictures/fingerprint';
import { jobSeconds } from '../latency';
import type { MachineClock } from '../machine-clock';
import { struckPicture } from '../faults/picture-faults';
import { renderBlack, renderPicture, type Picture } from '../pictures/render';
import type { GraphNode } from './graph';
import { podModels } from './node-classes';
import type { PodFiles } from './pod-files';
import {
  nodesOf,
  queueItem,
  type HistoryEntry,
  type PodJob,
  type PodMessage,
  type PodOutputs,
} from './pod-job';
import type { SocketHub } from './sockets';

/** Share of the time that samplers take; the other nodes divide the rest. */
const samplingShare = 0.9;
/** Progress frames per sampler. */
const progressFrames = 10;

/** What of the pod's machine a run needs. */
export interface Machine {
  readonly clock: MachineClock;
  readonly files: PodFiles;
  readonly sockets: SocketHub;
}

export interface RunTools extends Machine {
  readonly context: EmulatorContext;
}

/** The server is killed in the middle of a run; whoever runs it restarts it. */
export class ServerDied extends Error {
  override readonly name = 'ServerDied';
}

/** Ends a run the way a real one ends, by what the history then says. */
class RunEnded extends Error {
  readonly event: string;
  readonly data: Record<string, unknown>;

  constructor(event: string, data: Record<string, unknown>) {
    super(event);
    this.event = event;
    this.data = data;
  }
}

/** Runs one job and returns its history. Rejects only when the server itself goes away. */
export async function runJob(
  job: PodJob,
  cached: PodOutputs | undefined,
  tools: RunTools,
): Promise<HistoryEntry> {
  const messages: PodMessage[] = [];
  const tell = (event: string, data: Record<string, unknown>): void => {
    const full = { ...data, prompt_id: job.id };
    messages.push([event, { ...full, timestamp: Date.now() }]);
    tools.sockets.send(job.clientId, event, { ...full, timestamp: Date.now() });
  };
  const run = new Run(job, tools);
  let failed = false;
  tell('execution_start', {});
  tell('execution_cached', { nodes: cached === undefined ? [] : nodesOf(job) });
  try {
    if (cached === undefined) await run.execute();
    else run.repeat(cached);
    tell('execution_success', {});
  } catch (error) {
    if (!(error instanceof RunEnded)) throw error;
    tell(error.event, error.data);
    failed = true;
  }
  const status = { status_str: failed ? 'error' : 'success', completed: !failed, messages } as const;
  return { prompt: queueItem(job), outputs: run.outputs, status, meta: {} };
}

interface NodeProgress {
  value: number;
  max: number;
  state: 'running' | 'finished';
}

/** One run of a graph, node by node. */
class Run {
  readonly outputs: PodOutputs = {};
  readonly #job: PodJob;
  readonly #tools: RunTools;
  readonly #executed: string[] = [];
  readonly #progress = new Map<string, NodeProgress>();

  constructor(job: PodJob, tools: RunTools) {
    this.#job = job;
    this.#tools = tools;
  }

  /** @throws RunEnded, ServerDied */
  async execute(): Promise<void> {
    const job = this.#job;
    const { settings, seed } = this.#tools.context;
    const seconds = jobSeconds(settings, seed, { endpoint: job.flow, fingerprint: job.fingerprint });
    const nodes = nodesOf(job);
    const heavy = nodes.filter((id) => isHeavy(job, id)).length;
    const lightSeconds =
      (seconds * (heavy === 0 ? 1 : 1 - samplingShare)) / Math.max(nodes.length - heavy, 1);
    const pictures = drawPictures(job);
    // Not awaited until the save node: a failure in between must not count as unhandled.
    pictures.catch(() => undefined);
    for (const id of nodes) {
      this.#show(id, { value: 0, max: 1, state: 'running' });
      this.#send('executing', { node: id, display_node: id });
      if (isHeavy(job, id)) await this.#sample(id, (seconds * samplingShare) / heavy);
      else await this.#step(id, lightSeconds);
      this.#failAtNode(id);
      if (job.outputs.includes(id)) {
        const drawn = await pictures;
        await this.#tools.clock.running(job.stop.signal);
        this.#save(id, drawn);
      }
      this.#finish(id);
      this.#executed.push(id);
    }
  }

  /** A run whose every node was cached: the outputs are told again, and nothing else. */
  repeat(outputs: PodOutputs): void {
    for (const [id, output] of Object.entries(outputs)) {
      this.outputs[id] = output;
      this.#send('executed', { node: id, display_node: id, output });
      this.#finish(id);
    }
  }

  async #sample(id: string, seconds: number): Promise<void> {
    const steps = Number(this.#job.graph[id]?.inputs['steps'] ?? progressFrames);
    const frames = Math.max(1, Math.min(steps, progressFrames));
    for (let frame = 1; frame <= frames; frame += 1) {
      await this.#step(id, seconds / frames);
      if (frame * 2 >= frames) this.#strikeMidway(id);
      const value = Math.round((steps * frame) / frames);
      this.#show(id, { value, max: steps, state: 'running' });
      this.#send('progress', { value, max: steps, node: id });
      if (frame === 1) this.#tools.sockets.sendPreview(this.#job.clientId, emptyJpeg);
    }
  }

  /** One node or progress step; the moment at which an interrupt takes effect. */
  async #step(id: string, seconds: number): Promise<void> {
    await this.#tools.clock.wait(seconds, this.#job.stop.signal);
    if (this.#job.interrupted) throw new RunEnded('execution_interrupted', this.#nodeData(id));
  }

  #strikeMidway(id: string): void {
    const { fault } = this.#job;
    if (fault?.name === 'pod_interrupted') throw new RunEnded('execution_interrupted', this.#nodeData(id));
    if (fault?.name !== 'pod_error_incomplete') return;
    const { type = 'RuntimeError', message = 'mat1 and mat2 shapes cannot be multiplied' } = fault.params;
    throw this.#exception(id, type, message);
  }

  /** What only the run finds out, since no validation looks at it. */
  #failAtNode(id: string): void {
    const node = this.#job.graph[id];
    if (node?.class_type === 'UpscaleModelLoader') {
      const name = String(node.inputs['model_name']);
      if (podModels.upscalers.some((model) => model === name)) return;
      const message = `Model in folder 'upscale_models' with filename '${name}' not found.`;
      throw this.#exception(id, 'FileNotFoundError', `${message}\n`);
    }
    if (node?.class_type !== 'SaveImage') return;
    const folder = posix.resolve(outputFolder, posix.dirname(posix.normalize(prefixOf(node))));
    if (folder === outputFolder || folder.startsWith(`${outputFolder}/`)) return;
    const lines = [
      '**** ERROR: Saving image outside the output folder is not allowed.',
      ` full_output_folder: ${folder}`,
      `         output_dir: ${outputFolder}`,
      `         commonpath: ${commonPath(folder, outputFolder)}`,
    ];
    throw this.#exception(id, 'Exception', `${lines.join('\n')}\n`);
  }

  #save(id: string, pictures: readonly Buffer[]): void {
    const { flow, entry, scene, fault, graph } = this.#job;
    if (fault?.name === 'pod_no_images') return;
    const { files } = this.#tools;
    const node = graph[id];
    const temporary = node?.class_type === 'PreviewImage' || fault?.name === 'pod_temp_only';
    const type = temporary ? 'temp' : 'output';
    const prefix = temporary ? 'ComfyUI_temp' : posix.normalize(prefixOf(node));
    if (fault?.name === 'pod_dies_saving') {
      const [whole = Buffer.alloc(0)] = pictures;
      const bytes = whole.subarray(0, Math.floor(whole.length / 2));
      files.save(type, prefix, { bytes, contentType: 'image/png' });
      throw new ServerDied();
    }
    const job = { endpoint: flow, prompt: scene.prompt, entry };
    const images = pictures.map((bytes) =>
      files.save(type, prefix, { bytes, contentType: 'image/png', job }),
    );
    this.outputs[id] = { images };
    this.#send('executed', { node: id, display_node: id, output: { images } });
  }

  #exception(id: string, type: string, message: string): RunEnded {
    const inputs = Object.entries(this.#job.graph[id]?.inputs ?? {});
    const literals = inputs.filter(([, value]) => !Array.isArray(value));
    return new RunEnded('execution_error', {
      ...this.#nodeData(id),
      exception_message: message,
      exception_type: type,
      traceback: ['  File "/root/ComfyUI/execution.py", line 496, in execute\n', `${type}: ${message}\n`],
      current_inputs: Object.fromEntries(literals.map(([name, value]) => [name, [value]])),
      current_outputs: [],
    });
  }

  #nodeData(id: string): Record<string, unknown> {
    return { node_id: id, node_type: this.#job.graph[id]?.class_type, executed: [...this.#executed] };
  }

  #finish(id: string): void {
    const max = this.#progress.get(id)?.max ?? 1;
    this.#show(id, { value: max, max, state: 'finished' });
  }

  /** Every change of one node tells the state of all that have begun. */
  #show(id: string, progress: NodeProgress): void {
    this.#progress.set(id, progress);
    const nodes = [...this.#progress].map(([node, state]) => {
      const ids = { node_id: node, display_node_id: node, parent_node_id: null, real_node_id: node };
      return [node, { ...state, ...ids, prompt_id: this.#job.id }] as const;
    });
    this.#send('progress_state', { nodes: Object.fromEntries(nodes) });
  }

  #send(type: string, data: Record<string, unknown>): void {
    this.#tools.sockets.send(this.#job.clientId, type, { ...data, prompt_id: this.#job.id });
  }
}

/** Where the real server of the emulated installation saves. */
const outputFolder = '/root/ComfyUI/output';
const emptyJpeg = Buffer.from([0xff, 0xd8, 0xff, 0xd9]);

/** The longest folder both paths are in. */
function commonPath(left: string, right: string): string {
  const others = right.split('/');
  const parts = left.split('/');
  const end = parts.findIndex((part, index) => part !== others[index]);
  return (end < 0 ? parts : parts.slice(0, end)).join('/') || '/';
}

function isHeavy(job: PodJob, id: string): boolean {
  const type = job.graph[id]?.class_type;
  return type === 'KSampler' || type === 'ImageUpscaleWithModel';
}

async function drawPictures(job: PodJob): Promise<Buffer[]> {
  const { scene, flow, fingerprint, fault } = job;
  const { width, height, prompt, seed = 0, source, face, loras } = scene;
  const pictures: Buffer[] = [];
  for (let index = 0; index < scene.batch; index += 1) {
    if (fault?.name === 'black_image') {
      pictures.push(await renderBlack(width, height, 'png'));
      continue;
    }
    const picture: Picture = {
      provider: 'comfyui',
      endpoint: flow,
      prompt,
      seed,
      width,
      height,
      fingerprint: sha256(`${fingerprint}\n${index}`),
      notes: loras.map((name) => `LoRA ${name}`),
      identityName: loras[0],
      reference: face,
      source,
      format: 'png',
    };
    pictures.push(await renderPicture(struckPicture(picture, fault)));
  }
  return pictures;
}

function prefixOf(node: GraphNode | undefined): string {
  const prefix = node?.inputs['filename_prefix'];
  return typeof prefix === 'string' ? prefix : 'ComfyUI';
}
