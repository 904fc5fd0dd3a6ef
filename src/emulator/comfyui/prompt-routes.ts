import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { jsonAnswer, textAnswer, type Answer } from '../answer';
import type { EmulatorContext } from '../context';
import { deliver, isTransportFault } from '../deliver';
import { describeBody, isRecord } from '../describe-body';
import type { Fault } from '../faults';
import { canonicalJson, sha256 } from '../fingerprint';
import { bodyText } from '../http-app';
import { maximumPixels } from '../render';
import { simpleFaultAnswer } from '../simple-faults';
import { cutOff } from '../strike';
import { asNode, flowOf, type Graph } from './graph';
import { podModels } from './node-classes';
import type { PodFiles } from './pod-files';
import type { PodQueue } from './pod-queue';
import { sceneAt, type Scene } from './scene';
import { validateGraph, type ValidGraph } from './validate-graph';

type Submission = Record<string, unknown>;

/** `POST /prompt`: validates a graph and queues it. */
export class PromptRoutes {
  readonly #context: EmulatorContext;
  readonly #queue: PodQueue;
  readonly #files: PodFiles;

  constructor(context: EmulatorContext, queue: PodQueue, files: PodFiles) {
    this.#context = context;
    this.#queue = queue;
    this.#files = files;
  }

  async submit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const body = parseObject(bodyText(request.body));
    const subject = subjectOf(body?.['prompt']);
    const fault = this.#context.faults.take('comfyui', 'submit', subject);
    if (fault?.name === 'reset_before_headers') {
      cutOff(reply);
      return;
    }
    const refused = simpleFaultAnswer('comfyui', fault) ?? modelFault(fault);
    if (refused !== undefined) return await this.#refuse(reply, subject.endpoint, refused);
    // The real server lets the parser's exception through: an input error dressed as a 500.
    if (body === undefined) return await this.#refuse(reply, subject.endpoint, serverError);
    const valid = validateGraph(body['prompt'], (name) => this.#files.input(name) !== undefined);
    if ('error' in valid) return await this.#refuse(reply, subject.endpoint, jsonAnswer(400, valid));
    await this.#queueGraph(reply, body, valid, fault);
  }

  async #queueGraph(
    reply: FastifyReply,
    body: Submission,
    valid: ValidGraph,
    fault: Fault | undefined,
  ): Promise<void> {
    const flow = flowOf(valid.graph);
    const scene = await sceneAt(valid.graph, valid.outputs[0] ?? '', this.#files);
    if (scene.width * scene.height * scene.batch > maximumPixels) {
      return await this.#refuse(reply, flow, textAnswer(500, 'out of memory'));
    }
    const number =
      typeof body['number'] === 'number' ? body['number'] : this.#queue.nextNumber(body['front'] === true);
    const id = typeof body['prompt_id'] === 'string' ? body['prompt_id'] : randomUUID();
    this.#enqueue(id, number, body, valid, { flow, scene, fault });
    if (fault?.name === 'submit_lost') {
      cutOff(reply);
      return;
    }
    const nodeErrors = fault?.name === 'pod_node_errors' ? someNodeErrors(valid.graph) : valid.nodeErrors;
    const transport = isTransportFault(fault) ? fault : undefined;
    await deliver(reply, jsonAnswer(200, { prompt_id: id, number, node_errors: nodeErrors }), transport);
  }

  #enqueue(
    id: string,
    number: number,
    body: Submission,
    valid: ValidGraph,
    job: { flow: string; scene: Scene; fault: Fault | undefined },
  ): void {
    const { graph, outputs } = valid;
    const { flow, scene, fault } = job;
    const clientId = typeof body['client_id'] === 'string' ? body['client_id'] : undefined;
    const inputs = this.#inputsOf(graph);
    const fingerprint = sha256(canonicalJson({ flow, graph: withHashes(graph, inputs) }));
    const entry = this.#context.journal.accept({
      provider: 'comfyui',
      endpoint: flow,
      promptId: id,
      clientId,
      bodyHash: fingerprint,
      body: describeBody(body).body,
      inputs: [...inputs].map(([name, { sha, bytes }]) => ({ name, sha256: sha, bytes })),
      width: scene.width,
      height: scene.height,
      seed: scene.seed,
    });
    const extraData = { ...(isRecord(body['extra_data']) ? body['extra_data'] : {}), client_id: clientId };
    const stop = new AbortController();
    this.#queue.add({
      id,
      number,
      graph,
      outputs,
      extraData,
      clientId,
      flow,
      scene,
      fingerprint,
      entry,
      fault,
      interrupted: false,
      stop,
    });
  }

  /** The uploaded pictures a graph loads, by the name it uses. */
  #inputsOf(graph: Graph): Map<string, { sha: string; bytes: number }> {
    const names = Object.values(graph)
      .filter(({ class_type: type }) => type === 'LoadImage' || type === 'LoadImageMask')
      .map(({ inputs }) => String(inputs['image']));
    return new Map(
      names.flatMap((name) => {
        const file = this.#files.input(name);
        return file === undefined
          ? []
          : [[name, { sha: sha256(file.bytes), bytes: file.bytes.length }] as const];
      }),
    );
  }

  async #refuse(reply: FastifyReply, endpoint: string, answer: Answer): Promise<void> {
    const reason = answer.body.toString('utf8').slice(0, 300);
    this.#context.journal.reject({ provider: 'comfyui', endpoint, status: answer.status, reason });
    await deliver(reply, answer);
  }
}

const serverError = textAnswer(500, '500 Internal Server Error\n\nServer got itself in trouble');

/** Endpoint and prompt of a graph that has not been validated yet. */
function subjectOf(value: unknown): { endpoint: string; prompt: string } {
  const nodes = Object.entries(isRecord(value) ? value : {}).flatMap(([id, entry]) => {
    const node = asNode(entry);
    return node === undefined ? [] : [[id, node] as const];
  });
  const texts = nodes.filter(([, { class_type: type }]) => type === 'CLIPTextEncode');
  const prompt = texts.map(([, { inputs }]) => String(inputs['text'])).join('\n');
  return { endpoint: flowOf(Object.fromEntries(nodes)), prompt };
}

/** Uploads get new names; what counts for the result is what is in them. */
function withHashes(graph: Graph, inputs: ReadonlyMap<string, { sha: string }>): unknown {
  return Object.fromEntries(
    Object.entries(graph).map(([id, node]) => {
      const file = inputs.get(String(node.inputs['image']));
      return [id, file === undefined ? node : { ...node, inputs: { ...node.inputs, image: file.sha } }];
    }),
  );
}

function modelFault(fault: Fault | undefined): Answer | undefined {
  if (fault?.name === 'pod_400_lora') return notInList('LoraLoader', 'lora_name', podModels.loras);
  if (fault?.name === 'pod_400_model') {
    return notInList('CheckpointLoaderSimple', 'ckpt_name', podModels.checkpoints);
  }
  return undefined;
}

function notInList(classType: string, input: string, list: readonly string[]): Answer {
  const details = `${input}: 'missing.safetensors' not in [${list.map((item) => `'${item}'`).join(', ')}]`;
  const problem = {
    type: 'value_not_in_list',
    message: 'Value not in list',
    details,
    extra_info: { input_name: input, received_value: 'missing.safetensors' },
  };
  const error = {
    type: 'prompt_outputs_failed_validation',
    message: 'Prompt outputs failed validation',
    details: '',
    extra_info: {},
  };
  return jsonAnswer(400, {
    error,
    node_errors: { '1': { errors: [problem], dependent_outputs: ['9'], class_type: classType } },
  });
}

function someNodeErrors(graph: Graph): Record<string, unknown> {
  const [id = '1', node] = Object.entries(graph)[0] ?? [];
  const problem = {
    type: 'required_input_missing',
    message: 'Required input is missing',
    details: 'images',
    extra_info: {},
  };
  return { [id]: { errors: [problem], dependent_outputs: [id], class_type: node?.class_type ?? '' } };
}

function parseObject(text: string): Submission | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
