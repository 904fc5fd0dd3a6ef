import type { z } from 'zod';
import type { JsonObject } from '../../domain/taxonomy';
import { DeadlineExceeded } from '../http/deadlines';
import { MediaError } from '../../domain/media';
import type { HttpClient, HttpReply, HttpRequest, RequestDeadlines } from '../http/http';
import { discardBody, errorBodyBytes, readJson, readText } from '../http/read-body';
import { AnswerError, PodSilent } from './answer-error';
import { multipartBody, type MultipartFile } from './multipart';
import { SubmitRefused } from './submit-refused';
import {
  historySchema,
  queueSchema,
  submitRefusalSchema,
  submitReplySchema,
  systemStatsSchema,
  uploadReplySchema,
  type HistoryEntry,
  type OutputFile,
} from './wire';

/** Where a prompt id is. `absent`: in neither queue nor history. */
export type Sighting =
  | { state: 'absent' }
  | { state: 'pending'; ahead: number }
  | { state: 'running' }
  | { state: 'finished'; entry: HistoryEntry };

/**
 * The calls of one pod. All throw AnswerError, PodSilent (but for `submit` and `upload`), or what the HTTP client
 * throws.
 */
export interface Pod {
  find(promptId: string): Promise<Sighting>;
  /** Whether a file is there to view. */
  holds(file: OutputFile): Promise<boolean>;
  /**
   * Queues a graph; answers the id it really runs under.
   *
   * @throws SubmitRefused when the graph, or a part of it, was not accepted.
   */
  submit(run: { promptId: string; graph: JsonObject }): Promise<string>;
  /** Takes a pending prompt out of the queue; does nothing to any other. */
  dequeue(promptId: string): Promise<void>;
  /**
   * Stops this prompt if it is the one that runs, and does nothing to any other. Old servers stop whatever runs, whomever
   * it belongs to: call it only while this prompt runs, or while the pod does not say what runs.
   */
  interrupt(promptId: string): Promise<void>;
  /** Stores an input picture; answers the name to load it by, which may differ from the one sent. */
  upload(file: Omit<MultipartFile, 'field'>): Promise<string>;
  /**
   * An output file; its body must be read or destroyed.
   *
   * @throws MediaError `unavailable` when it is gone or the server cannot read it.
   */
  view(file: OutputFile): Promise<HttpReply>;
  /** What runs there, for people. */
  describe(): Promise<string>;
}

export interface PodOptions {
  http: HttpClient;
  baseUrl: string;
  limits: PodLimits;
  signal: AbortSignal;
}

/** In seconds. */
export interface PodLimits {
  connectSeconds: number;
  /** A pod that is well answers at once, whatever its GPU does. Longest silence before the first byte and between two. */
  answerSeconds: number;
  /** From the connection to the answer of an upload, its bytes included. */
  uploadSeconds: number;
  /** From the first to the last byte of a picture; default: no limit. */
  downloadSeconds?: number | undefined;
}

/** Two silent looks and a probe of the pod's health fit into half a minute. */
const longestAnswerSeconds = 8;

/** What the calls of a job may take. */
export function limitsOf({ connectSeconds, firstByteSeconds, downloadSeconds }: RequestDeadlines): PodLimits {
  const answerSeconds = Math.min(firstByteSeconds, longestAnswerSeconds);
  return {
    ...{ answerSeconds, uploadSeconds: firstByteSeconds, downloadSeconds },
    connectSeconds: Math.min(connectSeconds, answerSeconds),
  };
}

/** Speaks to the ComfyUI server at `baseUrl`, which may have a path; every call ends with `signal`. */
export function createPod(options: PodOptions): Pod {
  const wire = new PodWire(options);
  return {
    find: async (promptId) => await find(wire, promptId),
    holds: async (file) => await holds(wire, file),
    submit: async (run) => await submit(wire, run),
    dequeue: async (promptId) => {
      await wire.order('/queue', { delete: [promptId] });
    },
    interrupt: async (promptId) => {
      await wire.order('/interrupt', { prompt_id: promptId });
    },
    async upload(file) {
      const { headers, body } = multipartBody(
        { ...file, field: 'image' },
        { type: 'input', overwrite: 'true' },
      );
      const request = { method: 'POST', path: '/upload/image', headers, body } as const;
      const { uploadSeconds: firstByteSeconds } = options.limits;
      const { name, subfolder } = await wire.read(request, uploadReplySchema, { firstByteSeconds });
      return subfolder === '' ? name : `${subfolder}/${name}`;
    },
    view: async (file) => await view(wire, file),
    async describe() {
      const { system, devices } = await wire.ask({ method: 'GET', path: '/system_stats' }, systemStatsSchema);
      const version = `ComfyUI ${system.comfyui_version ?? 'of unknown version'}`;
      return [version, ...devices.map((device) => device.name)].join(', ');
    },
  };
}

async function find(wire: PodWire, promptId: string): Promise<Sighting> {
  // The queue first: a run moves from there to the history in one step, so it cannot slip between the two looks.
  const { queue_running: running, queue_pending: pending } = await wire.ask(
    { method: 'GET', path: '/queue' },
    queueSchema,
  );
  if (running.some(([, id]) => id === promptId)) return { state: 'running' };
  const own = pending.find(([, id]) => id === promptId);
  if (own !== undefined) {
    const before = pending.filter(([number]) => number < own[0]);
    return { state: 'pending', ahead: running.length + before.length };
  }
  const path = `/history/${encodeURIComponent(promptId)}`;
  const entry = (await wire.ask({ method: 'GET', path }, historySchema))[promptId];
  return entry === undefined ? { state: 'absent' } : { state: 'finished', entry };
}

async function submit(
  wire: PodWire,
  { promptId, graph }: { promptId: string; graph: JsonObject },
): Promise<string> {
  // The client id is the prompt id, so that whoever follows the run later gets its events.
  const json = { prompt: graph, prompt_id: promptId, client_id: promptId };
  const reply = await wire.send({ method: 'POST', path: '/prompt', json, freshConnection: true }, [400]);
  const body = await readJson(reply);
  if (reply.status === 400) {
    const refusal = submitRefusalSchema.safeParse(body);
    throw refusal.success ? new SubmitRefused(refusal.data, { queuedAs: undefined }) : new AnswerError(reply);
  }
  const accepted = submitReplySchema.safeParse(body);
  if (!accepted.success) throw new AnswerError(reply);
  const { prompt_id: queuedAs, node_errors: nodeErrors } = accepted.data;
  if (Object.keys(nodeErrors).length === 0) return queuedAs;
  throw new SubmitRefused({ error: { type: 'node_errors' }, node_errors: nodeErrors }, { queuedAs });
}

async function holds(wire: PodWire, file: OutputFile): Promise<boolean> {
  return await answeredInTime(async () => {
    const reply = await wire.send({ method: 'GET', path: viewPath(file) }, [404]);
    // Only asked for: the picture is read when it is collected.
    if (reply.status === 200) reply.body.destroy();
    else await expectNoSuchFile(reply);
    return reply.status === 200;
  });
}

/** @throws AnswerError unless it is the server's own 404, which says nothing: a proxy's says something. */
async function expectNoSuchFile(reply: HttpReply): Promise<void> {
  const text = await readText(reply, errorBodyBytes);
  if (text !== '') throw new AnswerError(reply);
}

/** How the server itself answers for a file: gone, a bad name, outside of its folder, unreadable. */
const unreadableFile: readonly number[] = [400, 403, 404, 500];

async function view(wire: PodWire, file: OutputFile): Promise<HttpReply> {
  const request = { method: 'GET', path: viewPath(file) } as const;
  const reply = await wire.send(request, unreadableFile).catch((error: unknown) => {
    const hangs = error instanceof DeadlineExceeded && error.kind === 'first_byte';
    throw hangs ? new MediaError('unavailable', 'the pod does not send this file', { cause: error }) : error;
  });
  if (reply.status === 200) return reply;
  if (reply.status === 404) await expectNoSuchFile(reply);
  await discardBody(reply);
  const answer = new AnswerError(reply);
  // The server's own answers are plain; a page comes from a proxy in front of a pod that is not there.
  throw answer.isWebPage ? answer : new MediaError('unavailable', 'the pod cannot send this file');
}

function viewPath({ filename, subfolder, type }: OutputFile): string {
  return `/view?${new URLSearchParams({ filename, subfolder, type }).toString()}`;
}

type PodRequest = Pick<HttpRequest, 'method' | 'headers' | 'json' | 'body' | 'freshConnection'> & {
  path: string;
};

class PodWire {
  private readonly baseUrl: string;

  constructor(private readonly options: PodOptions) {
    this.baseUrl = options.baseUrl.replace(/\/+$/, '');
  }

  /** @throws AnswerError for every status but 200 and those `allowed` */
  async send(
    { path, ...request }: PodRequest,
    allowed: readonly number[] = [],
    longer: Partial<RequestDeadlines> = {},
  ): Promise<HttpReply> {
    const { http, limits, signal } = this.options;
    const { connectSeconds, answerSeconds, downloadSeconds } = limits;
    const deadlines = {
      ...{ connectSeconds, firstByteSeconds: answerSeconds, idleSeconds: answerSeconds, downloadSeconds },
      ...longer,
    };
    const reply = await http.send({ ...request, url: `${this.baseUrl}${path}`, deadlines, signal });
    if (reply.status === 200 || allowed.includes(reply.status)) return reply;
    await discardBody(reply);
    throw new AnswerError(reply);
  }

  /** @throws AnswerError also when the body is not of that shape */
  async read<Schema extends z.ZodType>(
    request: PodRequest,
    schema: Schema,
    longer?: Partial<RequestDeadlines>,
  ): Promise<z.output<Schema>> {
    const reply = await this.send(request, [], longer);
    const parsed = schema.safeParse(await readJson(reply));
    if (!parsed.success) throw new AnswerError(reply);
    return parsed.data;
  }

  /** The same for what is answered at once. @throws PodSilent when it is not */
  async ask<Schema extends z.ZodType>(request: PodRequest, schema: Schema): Promise<z.output<Schema>> {
    return await answeredInTime(() => this.read(request, schema));
  }

  /** For calls that answer with an empty body. @throws PodSilent */
  async order(path: string, json: JsonObject): Promise<void> {
    await answeredInTime(async () => {
      await discardBody(await this.send({ method: 'POST', path, json }));
    });
  }
}

async function answeredInTime<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    const wasReached =
      error instanceof DeadlineExceeded && error.kind !== 'connect' && error.kind !== 'total';
    throw wasReached ? new PodSilent(error) : error;
  }
}
