import { randomUUID } from 'node:crypto';
import { bytesAnswer, textAnswer, type Answer } from '../answer';
import { EraEnded } from '../clock';
import type { EmulatorContext } from '../context';
import type { Fault } from '../faults';
import { sha256 } from '../fingerprint';
import type { JournalEntry } from '../journal';
import { jobSeconds, typicalSeconds } from '../latency';
import { MediaShelf } from '../media-shelf';
import { containerCrash } from '../simple-faults';
import type { CheckedRequest } from './check-request';
import type { ModalEndpoint } from './endpoints';
import { caughtException } from './errors';
import type { ModalCall } from './modal-call';
import { redirectsBefore } from './redirect';
import { renderResult, seedOf } from './render-result';
import { callCostUsd, resultHeaders } from './result-headers';

/** What `start` needs of a request that passed the handler's checks. */
export interface CallOrder {
  endpoint: ModalEndpoint;
  request: CheckedRequest;
  body: Record<string, unknown>;
  described: { body: unknown; bodyHash: string };
  fault: Fault | undefined;
}

/** All calls of all apps. */
export class CallRegister {
  readonly #context: EmulatorContext;
  readonly #running = new Map<string, ModalCall>();
  readonly #finished = new MediaShelf<{ bytes: Buffer; call: ModalCall }>();
  readonly #lastUse = new Map<string, number>();

  constructor(context: EmulatorContext) {
    this.#context = context;
  }

  find(id: string): ModalCall | undefined {
    return this.#running.get(id) ?? this.#finished.get(id)?.call;
  }

  start(order: CallOrder): ModalCall {
    const { endpoint, request, described, fault } = order;
    const id = `fc-${randomUUID().replaceAll('-', '')}`;
    const seed = fault?.name === 'same_seed' ? 42 : seedOf(endpoint, request, described.bodyHash);
    const { width, height } = request;
    const accepted = { provider: 'modal', endpoint: endpoint.path, app: endpoint.app, callId: id } as const;
    const entry = this.#context.journal.accept({ ...accepted, ...described, width, height, seed });
    const stop = new AbortController();
    const worked = this.#work(order, stop.signal);
    const call: ModalCall = {
      id,
      endpoint,
      entry,
      fault,
      worked: worked.catch(() => undefined),
      settled: this.#run(order, entry, seed, worked, stop.signal).finally(() => this.#running.delete(id)),
      stop,
      redirectsLeft: redirectsBefore(fault),
      resetsLeft: fault?.name === 'redirect_lost_poll' ? (fault.params.resets ?? 1) : 0,
      transportFaultSpent: false,
    };
    this.#running.set(id, call);
    void call.settled.then((answer) => {
      if (answer !== undefined) this.#finished.put(id, { bytes: answer.body, call });
    });
    return call;
  }

  /** The machines are gone: running calls are lost for their callers and charged all the same. */
  loseRunning(): void {
    for (const { endpoint, entry, stop } of this.#running.values()) {
      this.#context.journal.finish(entry, 'lost', this.#costUsd(endpoint));
      stop.abort();
    }
  }

  reset(): void {
    this.#finished.clear();
    this.#lastUse.clear();
  }

  /** Seconds until a container of this app can work; counts as a use of it. */
  coldStartSeconds(app: string): number {
    const { modal, timeScale } = this.#context.settings.current;
    const idle = (Date.now() - (this.#lastUse.get(app) ?? -Infinity)) / 1000 / Math.max(timeScale, 1e-6);
    this.#lastUse.set(app, Date.now());
    return idle > idleLimitSeconds ? modal.coldStartSeconds : 0;
  }

  async #run(
    order: CallOrder,
    entry: JournalEntry,
    seed: number,
    worked: Promise<void>,
    signal: AbortSignal,
  ): Promise<Answer | undefined> {
    const { journal, log } = this.#context;
    try {
      const [answer] = await Promise.all([this.#answer(order, seed), worked]);
      const outcome = answer.status === 200 ? 'succeeded' : 'failed';
      journal.finish(entry, outcome, this.#costUsd(order.endpoint));
      return answer;
    } catch (error) {
      if (signal.aborted || error instanceof EraEnded) return undefined;
      journal.finish(entry, 'lost', this.#costUsd(order.endpoint));
      log.error({ err: error, endpoint: order.endpoint.path }, 'a modal call could not be carried out');
      return undefined;
    }
  }

  async #work({ endpoint, described, fault }: CallOrder, signal: AbortSignal): Promise<void> {
    const { clock, settings, seed } = this.#context;
    const extra = fault?.name === 'cold_start' ? (fault.params.seconds ?? 200) : 0;
    const job = { endpoint: endpoint.path, ownSeconds: endpoint.seconds, fingerprint: described.bodyHash };
    const seconds = this.coldStartSeconds(endpoint.app) + extra + jobSeconds(settings, seed, job);
    await clock.wait(seconds, signal);
  }

  async #answer(order: CallOrder, seed: number): Promise<Answer> {
    const { endpoint, request, body, described, fault } = order;
    const crash = crashAnswer(endpoint, fault);
    if (crash !== undefined) return crash;
    const settings = this.#context.settings.current;
    // Under `same_seed` the picture must not differ by the seed that was sent.
    const identical = fault?.name === 'same_seed' ? sha256(String(body['prompt'])) : described.bodyHash;
    const bytes = await renderResult(endpoint, request, {
      prompt: promptOf(body),
      seed,
      fingerprint: sha256(`${endpoint.path}\n${identical}`),
      imageBytes: fault?.name === 'wrong_content_type' ? 'png' : settings.modal.imageBytes,
      fault,
    });
    const seconds = typicalSeconds(endpoint.path, endpoint.seconds);
    const headers = resultHeaders(endpoint, request, body, seconds, settings, fault);
    const declared = fault?.name === 'wrong_content_type' ? fault.params.value : undefined;
    return bytesAnswer(200, declared ?? endpoint.output, bytes, headers);
  }

  #costUsd(endpoint: ModalEndpoint): number {
    return callCostUsd(endpoint, typicalSeconds(endpoint.path, endpoint.seconds));
  }
}

/** Seconds without a call after which an app's containers are gone. */
const idleLimitSeconds = 300;

/** What the caption and the faults take for the prompt. */
export function promptOf(body: Record<string, unknown>): string {
  const text = body['prompt'] ?? body['instruction'];
  return typeof text === 'string' ? text : '';
}

function crashAnswer(endpoint: ModalEndpoint, fault: Fault | undefined): Answer | undefined {
  if (fault?.name === 'plain_500') {
    return textAnswer(500, containerCrash);
  }
  if (fault?.name !== 'crash_500') return undefined;
  const { type = 'RuntimeError', message = 'Both API and infer methods failed' } = fault.params;
  return caughtException(endpoint, type, message);
}
