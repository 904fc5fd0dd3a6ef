import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { jsonAnswer, textAnswer } from '../http/answer';
import type { EmulatorContext } from '../context';
import { isRecord } from '../http/describe-body';
import type { FaultStage } from '../faults/fault-catalogue';
import { bodyText } from '../http/http-app';
import { struck, type Reaction } from '../http/reaction';
import type { PodQueue } from './pod-queue';

/** Queue, history and interruption. */
export class QueueRoutes {
  readonly #context: EmulatorContext;
  readonly #queue: PodQueue;

  constructor(context: EmulatorContext, queue: PodQueue) {
    this.#context = context;
    this.#queue = queue;
  }

  count(): Reaction {
    return jsonAnswer(200, { exec_info: { queue_remaining: this.#queue.remaining } });
  }

  list(): Reaction {
    return this.#answer('queue', this.#queue.list());
  }

  /** `{delete: [ids]}` or `{clear: true}`. */
  change(request: FastifyRequest): Reaction {
    this.#queue.delete(selection(bodyText(request.body)));
    return empty;
  }

  /** Unknown, deleted and still queued ids all answer `{}`. */
  history(request: FastifyRequest): Reaction {
    const { id } = historyParameters.parse(request.params);
    const entries = [...this.#queue.history].filter(([known]) => id === undefined || known === id);
    const { searchParams } = new URL(request.url, 'http://localhost');
    const limit = Number(searchParams.get('max_items') ?? entries.length);
    return this.#answer('history', Object.fromEntries(limit > 0 ? entries.slice(-limit) : []), id);
  }

  changeHistory(request: FastifyRequest): Reaction {
    this.#queue.deleteHistory(selection(bodyText(request.body)));
    return empty;
  }

  /** Without an id the running job is interrupted, whoever it belongs to. */
  interrupt(request: FastifyRequest): Reaction {
    const fault = this.#context.faults.take('comfyui', 'interrupt', { endpoint: 'interrupt' });
    const reaction = struck('comfyui', fault, empty);
    if (reaction !== undefined) return reaction;
    const id = parse(bodyText(request.body))['prompt_id'];
    this.#queue.interrupt(typeof id === 'string' ? id : undefined);
    return empty;
  }

  #answer(stage: FaultStage, value: unknown, id?: string): Reaction {
    const job = id === undefined ? undefined : this.#queue.find(id);
    const subject = { endpoint: job?.flow ?? stage, prompt: job?.scene.prompt };
    const answer = jsonAnswer(200, value);
    return struck('comfyui', this.#context.faults.take('comfyui', stage, subject), answer) ?? answer;
  }
}

const historyParameters = z.object({ id: z.string().optional() });
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
