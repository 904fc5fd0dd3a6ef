import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { jsonAnswer, textAnswer, type Answer } from '../http/answer';
import type { EmulatorContext } from '../context';
import { describeBody, isRecord } from '../http/describe-body';
import type { Fault } from '../faults/faults';
import { canonicalJson, sha256 } from '../pictures/fingerprint';
import { bodyText } from '../http/http-app';
import { maximumPixels } from '../pictures/render';
import type { Reaction } from '../http/reaction';
import { lostAcceptance, simpleFaultAnswer } from '../faults/simple-faults';
import { asNode, flowOf, type Graph } from './graph';
import { loadedFiles, pictureGraph } from './loaded-files';
import { modelFault, someNodeErrors } from './prompt-faults';
import type { PodFiles } from './pod-files';
import type { PodQueue } from './pod-queue';
import { sceneAt, type Scene } from './scene';
import { validateGraph, type ValidGraph } from './validate-graph';

/** A valid graph with everything that decides its run. */
interface Submission extends ValidGraph {
  id: string;
  body: Record<string, unknown>;
  flow: string;
  scene: Scene;
  fault: Fault | undefined;
}

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

  async submit(request: FastifyRequest): Promise<Reaction> {
    const body = parseObject(bodyText(request.body));
    const subject = subjectOf(body?.['prompt']);
    const fault = this.#context.faults.take('comfyui', 'submit', subject);
    if (fault?.name === 'reset_before_headers') return 'reset';
    const refused = simpleFaultAnswer('comfyui', fault) ?? modelFault(fault);
    if (refused !== undefined) return this.#rejected(subject.endpoint, refused);
    const submission = await this.#read(body, fault);
    if ('status' in submission) return this.#rejected(subject.endpoint, submission);
    const number = this.#enqueue(submission);
    const lost = lostAcceptance(fault);
    if (lost !== undefined) return lost;
    const { id, graph, nodeErrors } = submission;
    const errors = fault?.name === 'pod_node_errors' ? someNodeErrors(graph) : nodeErrors;
    return { answer: jsonAnswer(200, { prompt_id: id, number, node_errors: errors }), fault };
  }

  async #read(
    body: Record<string, unknown> | undefined,
    fault: Fault | undefined,
  ): Promise<Submission | Answer> {
    // The real server lets the parser's exception through: an input error dressed as a 500.
    if (body === undefined) return serverError;
    const valid = validateGraph(body['prompt'], (name) => this.#files.input(name) !== undefined);
    if ('error' in valid) return jsonAnswer(400, valid);
    const scene = await sceneAt(valid.graph, valid.outputs[0] ?? '', this.#files);
    const { width, height, batch } = scene;
    if (width * height * batch > maximumPixels) return textAnswer(500, 'out of memory');
    const id = typeof body['prompt_id'] === 'string' ? body['prompt_id'] : randomUUID();
    return { ...valid, id, body, flow: flowOf(valid.graph), scene, fault };
  }

  #enqueue({ id, body, graph, outputs, flow, scene, fault }: Submission): number {
    const number = this.#queue.nextNumber({ front: body['front'] === true, asked: body['number'] });
    const clientId = typeof body['client_id'] === 'string' ? body['client_id'] : undefined;
    const files = loadedFiles(graph, this.#files);
    const fingerprint = sha256(canonicalJson({ flow, graph: pictureGraph(graph, files) }));
    const { width, height, seed } = scene;
    const entry = this.#context.journal.accept({
      provider: 'comfyui',
      endpoint: flow,
      promptId: id,
      clientId,
      bodyHash: sha256(canonicalJson({ fingerprint, graph })),
      body: describeBody(body).body,
      inputs: files,
      width,
      height,
      seed,
    });
    const extra = isRecord(body['extra_data']) ? body['extra_data'] : {};
    const extraData = { ...extra, client_id: clientId };
    const job = { id, number, graph, outputs, extraData, clientId, flow, scene, fingerprint, entry, fault };
    this.#queue.add({ ...job, interrupted: false, stop: new AbortController() });
    return number;
  }

  #rejected(endpoint: string, answer: Answer): Answer {
    const reason = answer.body.toString('utf8').slice(0, 300);
    this.#context.journal.reject({ provider: 'comfyui', endpoint, status: answer.status, reason });
    return answer;
  }
}

const serverError = textAnswer(500, '500 Internal Server Error\n\nServer got itself in trouble');

/** Endpoint and prompt of a graph that has not been validated yet. */
function subjectOf(value: unknown): { endpoint: string; prompt: string } {
  const graph: Graph = {};
  for (const [id, entry] of Object.entries(isRecord(value) ? value : {})) {
    const node = asNode(entry);
    if (node !== undefined) graph[id] = node;
  }
  const texts = Object.values(graph).filter(({ class_type: type }) => type === 'CLIPTextEncode');
  const prompt = texts.map(({ inputs }) => String(inputs['text'])).join('\n');
  return { endpoint: flowOf(graph), prompt };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
