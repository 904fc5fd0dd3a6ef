import type { EmulatorContext } from '../context';
import { sha256 } from '../fingerprint';
import { jobSeconds } from '../latency';
import { struckPicture } from '../picture-faults';
import { renderBlack, renderPicture, type Picture } from '../render';
import type { GraphNode } from './graph';
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

export interface RunTools {
  readonly context: EmulatorContext;
  readonly files: PodFiles;
  readonly sockets: SocketHub;
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
  let outputs: PodOutputs = {};
  let failed = false;
  tell('execution_start', {});
  tell('execution_cached', { nodes: cached === undefined ? [] : nodesOf(job) });
  try {
    outputs = cached ?? (await execute(job, tools));
    announceOutputs(job, outputs, tools.sockets);
    tell('execution_success', {});
  } catch (error) {
    if (!(error instanceof RunEnded)) throw error;
    tell(error.event, error.data);
    failed = true;
  }
  tools.sockets.send(job.clientId, 'executing', { node: null, prompt_id: job.id });
  const status = { status_str: failed ? 'error' : 'success', completed: !failed, messages } as const;
  return { prompt: queueItem(job), outputs, status, meta: {} };
}

async function execute(job: PodJob, tools: RunTools): Promise<PodOutputs> {
  const { settings, seed } = tools.context;
  const seconds = jobSeconds(settings, seed, { endpoint: job.flow, fingerprint: job.fingerprint });
  const nodes = nodesOf(job);
  const heavy = nodes.filter((id) => isHeavy(job, id)).length;
  const lightSeconds = (seconds * (heavy === 0 ? 1 : 1 - samplingShare)) / Math.max(nodes.length - heavy, 1);
  const pictures = drawPictures(job);
  // Not awaited until the save node: a failure in between must not count as unhandled.
  pictures.catch(() => undefined);
  for (const id of nodes) {
    tools.sockets.send(job.clientId, 'executing', { node: id, display_node: id, prompt_id: job.id });
    if (isHeavy(job, id)) await sample(job, id, (seconds * samplingShare) / heavy, tools);
    else await step(job, id, lightSeconds, tools);
  }
  return saveOutputs(job, await pictures, tools.files);
}

async function sample(job: PodJob, id: string, seconds: number, tools: RunTools): Promise<void> {
  const steps = Number(job.graph[id]?.inputs['steps'] ?? progressFrames);
  const frames = Math.max(1, Math.min(steps, progressFrames));
  for (let frame = 1; frame <= frames; frame += 1) {
    await step(job, id, seconds / frames, tools);
    if (frame * 2 >= frames) strikeMidway(job, id);
    const progress = { value: Math.round((steps * frame) / frames), max: steps, prompt_id: job.id, node: id };
    tools.sockets.send(job.clientId, 'progress', progress);
    tools.sockets.send(job.clientId, 'progress_state', {
      prompt_id: job.id,
      nodes: { [id]: { ...progress, state: 'running', node_id: id } },
    });
    if (frame === 1) tools.sockets.sendPreview(job.clientId, Buffer.from([0xff, 0xd8, 0xff, 0xd9]));
  }
}

/** One node or progress step; the moment at which an interrupt takes effect. */
async function step(job: PodJob, id: string, seconds: number, tools: RunTools): Promise<void> {
  await tools.context.clock.wait(seconds, job.stop.signal);
  if (job.interrupted) throw new RunEnded('execution_interrupted', nodeData(job, id));
}

function strikeMidway(job: PodJob, id: string): void {
  const { fault } = job;
  if (fault?.name === 'pod_interrupted') throw new RunEnded('execution_interrupted', nodeData(job, id));
  if (fault?.name !== 'pod_error_incomplete') return;
  const { type = 'RuntimeError', message = 'mat1 and mat2 shapes cannot be multiplied' } = fault.params;
  throw new RunEnded('execution_error', {
    ...nodeData(job, id),
    exception_message: message,
    exception_type: type,
    traceback: ['  File "/root/ComfyUI/execution.py", line 496, in execute\n', `${type}: ${message}\n`],
    current_inputs: {},
    current_outputs: [],
  });
}

function nodeData(job: PodJob, id: string): Record<string, unknown> {
  return { node_id: id, node_type: job.graph[id]?.class_type, executed: [] };
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

function saveOutputs(job: PodJob, pictures: readonly Buffer[], files: PodFiles): PodOutputs {
  if (job.fault?.name === 'pod_no_images') return {};
  const { flow, entry, scene } = job;
  const made = { endpoint: flow, prompt: scene.prompt, entry };
  const outputs: PodOutputs = {};
  for (const id of job.outputs) {
    const node = job.graph[id];
    const temporary = node?.class_type === 'PreviewImage' || job.fault?.name === 'pod_temp_only';
    const type = temporary ? 'temp' : 'output';
    const prefix = temporary ? 'ComfyUI_temp' : prefixOf(node);
    const images = pictures.map((bytes) =>
      files.save(type, prefix, { bytes, contentType: 'image/png', job: made }),
    );
    outputs[id] = { images };
  }
  return outputs;
}

function prefixOf(node: GraphNode | undefined): string {
  const prefix = node?.inputs['filename_prefix'];
  return typeof prefix === 'string' ? prefix : 'ComfyUI';
}

function announceOutputs(job: PodJob, outputs: PodOutputs, sockets: SocketHub): void {
  for (const [id, output] of Object.entries(outputs)) {
    sockets.send(job.clientId, 'executed', { node: id, display_node: id, output, prompt_id: job.id });
  }
}
