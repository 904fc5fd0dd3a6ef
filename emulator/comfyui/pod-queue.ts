import type { EmulatorContext } from '../context';
import { queueItem, type HistoryEntry, type PodJob, type PodOutputs, type QueueItem } from './pod-job';
import { runJob, ServerDied, type Machine } from './run-job';

/** The pod's queue: one job at a time, history in memory. */
export class PodQueue {
  readonly #context: EmulatorContext;
  readonly #machine: Machine;
  readonly #history = new Map<string, HistoryEntry>();
  #pending: PodJob[] = [];
  #running: PodJob | undefined;
  #lastNumber = -1;
  /** Like the real server's, the cache holds the nodes of the last run only. */
  #cache: { bodyHash: string; outputs: PodOutputs } | undefined;

  constructor(context: EmulatorContext, machine: Machine) {
    this.#context = context;
    this.#machine = machine;
  }

  get remaining(): number {
    return this.#pending.length + (this.#running === undefined ? 0 : 1);
  }

  get history(): ReadonlyMap<string, HistoryEntry> {
    return this.#history;
  }

  /** The next place in line, or the number that was asked for. In front of all others is a negative number. */
  nextNumber({ front, asked }: { front: boolean; asked: unknown }): number {
    if (typeof asked === 'number') return asked;
    this.#lastNumber += 1;
    return front ? -this.#lastNumber : this.#lastNumber;
  }

  add(job: PodJob): void {
    this.#pending.push(job);
    this.#pending.sort((left, right) => left.number - right.number);
    this.#machine.sockets.broadcastStatus();
    this.#next();
  }

  list(): { queue_running: QueueItem[]; queue_pending: QueueItem[] } {
    return {
      queue_running: this.#running === undefined ? [] : [queueItem(this.#running)],
      queue_pending: this.#pending.map(queueItem),
    };
  }

  find(id: string): PodJob | undefined {
    return this.#running?.id === id ? this.#running : this.#pending.find((job) => job.id === id);
  }

  /** Takes pending jobs out; a running one is not touched, and a deleted one never gets a history. */
  delete(wanted: (id: string) => boolean): void {
    for (const job of this.#pending.filter(({ id }) => wanted(id))) {
      this.#context.journal.finish(job.entry, 'cancelled', 0);
    }
    this.#pending = this.#pending.filter(({ id }) => !wanted(id));
    this.#machine.sockets.broadcastStatus();
  }

  /** Interrupts the running job; with an id, only if it is that one. */
  interrupt(id: string | undefined): void {
    const job = this.#running;
    if (job !== undefined && (id === undefined || job.id === id)) job.interrupted = true;
  }

  deleteHistory(wanted: (id: string) => boolean): void {
    for (const id of [...this.#history.keys()].filter(wanted)) this.#history.delete(id);
  }

  /** The server dies and comes back: queue, history and cache were in its memory. */
  restart(): void {
    const lost = this.#running === undefined ? this.#pending : [this.#running, ...this.#pending];
    for (const job of lost) {
      this.#context.journal.finish(job.entry, 'lost', 0);
      job.stop.abort();
    }
    this.#pending = [];
    this.#running = undefined;
    this.#history.clear();
    this.#cache = undefined;
    this.#lastNumber = -1;
    this.#machine.sockets.cut();
  }

  #next(): void {
    const job = this.#pending.find(({ fault }) => fault?.name !== 'queue_stuck');
    if (this.#running !== undefined || job === undefined) return;
    this.#pending = this.#pending.filter((candidate) => candidate !== job);
    this.#running = job;
    void this.#run(job);
  }

  async #run(job: PodJob): Promise<void> {
    const { log } = this.#context;
    try {
      await this.#carryOut(job);
    } catch (error) {
      if (job.stop.signal.aborted || this.#running !== job) return;
      if (error instanceof ServerDied) {
        this.restart();
        return;
      }
      this.#context.journal.finish(job.entry, 'lost', 0);
      log.error({ err: error, flow: job.flow }, 'a pod job could not be carried out');
    }
    if (this.#running !== job) return;
    this.#running = undefined;
    const { sockets } = this.#machine;
    sockets.broadcastStatus();
    sockets.send(job.clientId, 'executing', { node: null, prompt_id: job.id });
    this.#next();
  }

  async #carryOut(job: PodJob): Promise<void> {
    this.#disturb(job);
    const cached = this.#cachedOutputs(job);
    const result = await runJob(job, cached, { context: this.#context, ...this.#machine });
    this.#history.delete(job.id);
    this.#history.set(job.id, result);
    this.#context.journal.finish(job.entry, outcomeOf(result), 0);
    const cacheable = result.status.completed && job.fault === undefined;
    this.#cache = cacheable ? { bodyHash: job.entry.bodyHash, outputs: result.outputs } : undefined;
  }

  #disturb(job: PodJob): void {
    if (job.fault?.name === 'websocket_dropped') this.#machine.sockets.cut(job.clientId);
    if (job.fault?.name !== 'pod_restart') return;
    const soon = this.#machine.clock.wait(restartAfterSeconds, job.stop.signal);
    void soon.then(
      () => {
        this.restart();
      },
      () => undefined,
    );
  }

  #cachedOutputs(job: PodJob): PodOutputs | undefined {
    if (job.fault !== undefined || this.#cache?.bodyHash !== job.entry.bodyHash) return undefined;
    const { outputs } = this.#cache;
    const saved = Object.values(outputs).flatMap(({ images }) => images);
    return saved.every((image) => this.#machine.files.find(image) !== undefined) ? outputs : undefined;
  }
}

/** How long after the start of a job the `pod_restart` fault strikes; shorter than any flow takes. */
const restartAfterSeconds = 2;

function outcomeOf({ status }: HistoryEntry): 'succeeded' | 'failed' | 'cancelled' {
  if (status.completed) return 'succeeded';
  const interrupted = status.messages.some(([event]) => event === 'execution_interrupted');
  return interrupted ? 'cancelled' : 'failed';
}
