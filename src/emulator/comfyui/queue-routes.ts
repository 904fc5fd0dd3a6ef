import type { FastifyReply, FastifyRequest } from 'fastify';
import { jsonAnswer, textAnswer } from '../answer';
import type { EmulatorContext } from '../context';
import { deliver } from '../deliver';
import { isRecord } from '../describe-body';
import type { FaultStage } from '../fault-catalogue';
import { bodyText } from '../http-app';
import { strike } from '../strike';
import type { HistoryEntry } from './pod-job';
import type { PodQueue } from './pod-queue';

/** Queue, history and interruption. */
export class QueueRoutes {
  readonly #context: EmulatorContext;
  readonly #queue: PodQueue;

  constructor(context: EmulatorContext, queue: PodQueue) {
    this.#context = context;
    this.#queue = queue;
  }

  async count(_request: FastifyRequest, reply: FastifyReply): Promise<void> {
    await deliver(reply, jsonAnswer(200, { exec_info: { queue_remaining: this.#queue.remaining } }));
  }

  async list(_request: FastifyRequest, reply: FastifyReply): Promise<void> {
    await this.#answer('queue', reply, this.#queue.list());
  }

  /** `{delete: [ids]}` or `{clear: true}`. */
  async change(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    this.#queue.delete(selection(bodyText(request.body)));
    await deliver(reply, empty);
  }

  /** Unknown, deleted and still queued ids all answer `{}`. */
  async history(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { id } = request.params as { id?: string };
    const all: ReadonlyMap<string, HistoryEntry> = this.#queue.history;
    const entries = [...all].filter(([known]) => id === undefined || known === id);
    const { searchParams } = new URL(request.url, 'http://localhost');
    const limit = Number(searchParams.get('max_items') ?? entries.length);
    await this.#answer('history', reply, Object.fromEntries(limit > 0 ? entries.slice(-limit) : []), id);
  }

  async changeHistory(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    this.#queue.deleteHistory(selection(bodyText(request.body)));
    await deliver(reply, empty);
  }

  /** Without an id the running job is interrupted, whoever it belongs to. */
  async interrupt(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const fault = this.#context.faults.take('comfyui', 'interrupt', { endpoint: 'interrupt' });
    if (await strike(reply, 'comfyui', fault, empty)) return;
    const id = parse(bodyText(request.body))['prompt_id'];
    this.#queue.interrupt(typeof id === 'string' ? id : undefined);
    await deliver(reply, empty);
  }

  async #answer(stage: FaultStage, reply: FastifyReply, value: unknown, id?: string): Promise<void> {
    const job = id === undefined ? undefined : this.#queue.find(id);
    const subject = { endpoint: job?.flow ?? stage, prompt: job?.scene.prompt };
    const fault = this.#context.faults.take('comfyui', stage, subject);
    const answer = jsonAnswer(200, value);
    if (await strike(reply, 'comfyui', fault, answer)) return;
    await deliver(reply, answer);
  }
}

const empty = textAnswer(200, '');

function selection(text: string): (id: string) => boolean {
  const { delete: ids, clear } = parse(text);
  return (id) => clear === true || (Array.isArray(ids) && ids.includes(id));
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}
