import { randomUUID } from 'node:crypto';
import type { Answer } from '../http/answer';
import { EraEnded } from '../clock';
import type { EmulatorContext } from '../context';
import type { JournalEntry } from '../journal';
import { MediaShelf } from '../pictures/media-shelf';
import type { ModalCall } from './modal-call';
import { redirectsBefore } from './redirect';
import { journalled, runCostUsd, type RouteOrder, type RouteRunner } from './route-runner';

/** Name of a function call, as Modal writes it. */
export function newCallId(): string {
  return `fc-${randomUUID().replaceAll('-', '')}`;
}

/** The plain calls of all apps. */
export class CallRegister {
  readonly #context: EmulatorContext;
  readonly #runner: RouteRunner;
  readonly #running = new Map<string, ModalCall>();
  readonly #finished = new MediaShelf<{ bytes: Buffer; call: ModalCall }>();

  constructor(context: EmulatorContext, runner: RouteRunner) {
    this.#context = context;
    this.#runner = runner;
  }

  find(id: string): ModalCall | undefined {
    return this.#running.get(id) ?? this.#finished.get(id)?.call;
  }

  start(order: RouteOrder): ModalCall {
    const { endpoint, fault } = order;
    const id = newCallId();
    const entry = this.#context.journal.accept({ ...journalled(order), callId: id });
    const stop = new AbortController();
    const worked = this.#work(order, stop.signal);
    const call: ModalCall = {
      id,
      endpoint,
      entry,
      fault,
      worked: worked.catch(() => undefined),
      settled: this.#run(order, entry, worked, stop.signal).finally(() => this.#running.delete(id)),
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
      this.#context.journal.finish(entry, 'lost', runCostUsd(endpoint));
      stop.abort();
    }
  }

  reset(): void {
    this.#finished.clear();
  }

  async #run(
    order: RouteOrder,
    entry: JournalEntry,
    worked: Promise<void>,
    signal: AbortSignal,
  ): Promise<Answer | undefined> {
    const { journal, log } = this.#context;
    try {
      const [answer] = await Promise.all([this.#runner.answer(order), worked]);
      const outcome = answer.status === 200 ? 'succeeded' : 'failed';
      journal.finish(entry, outcome, runCostUsd(order.endpoint));
      return answer;
    } catch (error) {
      if (signal.aborted || error instanceof EraEnded) return undefined;
      journal.finish(entry, 'lost', runCostUsd(order.endpoint));
      log.error({ err: error, endpoint: order.endpoint.path }, 'a modal call could not be carried out');
      return undefined;
    }
  }

  async #work(order: RouteOrder, signal: AbortSignal): Promise<void> {
    const seconds = this.#runner.startSeconds(order) + this.#runner.workSeconds(order);
    await this.#context.clock.wait(seconds, signal);
  }
}
