import { z } from 'zod';
import type { Disruption } from '../analysis/evidence';
import type { Act, PlannedAct } from '../work/plan-disruptions';
import type { AimedFault } from '../work/plan-faults';
import type { ChaosStack } from './chaos-stack';
import { readEntries } from './journal';
import { pause } from './steps';

export interface DisruptorOptions {
  stack: ChaosStack;
  schedule: readonly PlannedAct[];
  faults: readonly AimedFault[];
  /** A line for people at every act. */
  report: (line: string) => void;
  /** Ends the schedule early. */
  signal: AbortSignal;
}

const addedSchema = z.object({ id: z.string() });
const listSchema = z.object({
  faults: z.array(z.object({ id: z.string(), lastStruckAt: z.iso.datetime().nullable() })),
});

const lookMs = 40;
/** With no new job for so long, the next act is due all the same: something may be waiting for its end. */
const stallMs = 30_000;

/** Carries out a schedule against a stack, and keeps a diary of it. */
export class Disruptor {
  /** Everything done so far, oldest first. */
  readonly diary: Disruption[] = [];
  readonly #options: DisruptorOptions;
  readonly #aimed = new Map<string, AimedFault>();
  /** Rows of refusals in the diary, by the name of their fault. */
  readonly #rows = new Map<string, Disruption>();
  readonly #outages = new Map<string, Promise<void>>();
  #startedAt = Date.now();
  #kills = 0;
  #accepted = 0;
  #acceptedAtKill = 0;
  #lastEntry = 0;
  #grewAt = Date.now();

  constructor(options: DisruptorOptions) {
    this.#options = options;
  }

  /** Lays the aimed faults out; before the first request. */
  async prepare(): Promise<void> {
    for (const aimed of this.#options.faults) {
      const answer = await this.#options.stack.control('POST', '/control/faults', aimed.fault);
      this.#aimed.set(addedSchema.parse(answer).id, aimed);
    }
  }

  /** Resolves when every act is done and every outage has ended. Aimed faults may strike until {@link settle}. */
  async run(): Promise<void> {
    const { schedule, signal } = this.#options;
    this.#startedAt = Date.now();
    for (const planned of schedule) {
      await this.#until(planned);
      if (signal.aborted) break;
      await this.#carryOut(planned.act);
    }
    await Promise.all(this.#outages.values());
  }

  /** Notes the aimed faults that struck; before they are taken away. */
  async settle(): Promise<void> {
    const { faults } = listSchema.parse(await this.#options.stack.control('GET', '/control/faults'));
    for (const { id, lastStruckAt } of faults) if (lastStruckAt !== null) this.#noteStrike(id, lastStruckAt);
    this.diary.sort((a, b) => a.at - b.at);
  }

  async #until({ afterJobs, delayMs, act }: PlannedAct): Promise<void> {
    const { signal } = this.#options;
    // A kill must meet a system that works again: providers have been given something since the last one.
    const due = act.kind === 'kill' ? Math.max(afterJobs, this.#acceptedAtKill + 1) : afterJobs;
    this.#grewAt = Date.now();
    while (this.#accepted < due && !signal.aborted) {
      await this.#count();
      if (Date.now() - this.#grewAt > stallMs) break;
      await pause(lookMs, signal);
    }
    await pause(delayMs, signal);
  }

  async #count(): Promise<void> {
    const entries = await readEntries(this.#options.stack.control, this.#lastEntry);
    const last = entries.at(-1);
    if (last === undefined) return;
    this.#lastEntry = last.n;
    this.#accepted += entries.length;
    this.#grewAt = Date.now();
  }

  async #carryOut(act: Act): Promise<void> {
    switch (act.kind) {
      case 'kill':
        await this.#kill(act);
        return;
      case 'outage':
      case 'hang':
        this.#takeAwayInTurn(act);
        return;
      case 'partition':
        this.#inTurn('partition', () => this.#cutOff(act));
        return;
      case 'spell':
        await this.#beginRow(act);
    }
  }

  async #beginRow({ target, fault }: Extract<Act, { kind: 'spell' }>): Promise<void> {
    const { id } = addedSchema.parse(await this.#options.stack.control('POST', '/control/faults', fault));
    const detail = `${target}: ${fault.fault} × ${fault.times ?? 'all'}`;
    this.#rows.set(id, this.#note({ kind: 'fault', target, detail, fault: fault.fault }));
  }

  async #kill({ target }: Extract<Act, { kind: 'kill' }>): Promise<void> {
    const killed = await this.#options.stack.kill(target);
    if (killed === undefined) return;
    this.#kills += 1;
    const seconds = ((Date.now() - this.#startedAt) / 1000).toFixed(1);
    const detail = `kill ${this.#kills}: ${killed} at ${seconds} s, job ${this.#accepted}`;
    this.#note({ kind: 'kill', target, detail });
    this.#acceptedAtKill = this.#accepted;
  }

  /** One outage of a provider after the other; other acts go on meanwhile. */
  #takeAwayInTurn(act: Extract<Act, { kind: 'outage' | 'hang' }>): void {
    this.#inTurn(act.target, () => this.#takeAway(act));
  }

  #inTurn(target: string, act: () => Promise<void>): void {
    const before = this.#outages.get(target) ?? Promise.resolve();
    this.#outages.set(target, before.then(act));
  }

  /** A worker that Temporal does not hear of goes on with its calls. */
  async #cutOff({ seconds }: Extract<Act, { kind: 'partition' }>): Promise<void> {
    const { stack, signal } = this.#options;
    if (signal.aborted) return;
    const target = await stack.partition(true);
    if (target === undefined) return;
    const kind = 'partition';
    this.#note({ kind, target, detail: `${target} is cut off from Temporal for ${seconds} s` });
    await pause(seconds * 1000, signal);
    await stack.partition(false);
    this.#note({ kind, target, detail: `${target} reaches Temporal again`, isEnd: true });
  }

  async #takeAway({ kind, target, seconds }: Extract<Act, { kind: 'outage' | 'hang' }>): Promise<void> {
    const { stack, signal } = this.#options;
    if (signal.aborted) return;
    const route = `/control/providers/${target}`;
    await stack.control('POST', route, { state: kind === 'hang' ? 'hang' : 'down' });
    this.#note({
      kind,
      target,
      detail: `${target} ${kind === 'hang' ? 'hangs' : 'is down'} for ${seconds} s`,
    });
    await pause(seconds * 1000, signal);
    await stack.control('POST', route, { state: 'up' });
    // Who was left hanging sees a reset now.
    const detail = kind === 'hang' ? `${target} stops hanging` : `${target} is back`;
    this.#note({ kind, target, detail, isEnd: true });
  }

  #noteStrike(id: string, at: string): void {
    const row = this.#rows.get(id);
    if (row !== undefined) row.until = Date.parse(at);
    const aimed = this.#aimed.get(id);
    if (aimed === undefined) return;
    this.#aimed.delete(id);
    const { workId, isCut, fault } = aimed;
    const detail = isCut
      ? `${fault.provider}: connection cut after the accept`
      : `${fault.provider}: ${fault.fault}`;
    const kind = isCut ? 'cut' : 'fault';
    this.diary.push({
      at: Date.parse(at),
      kind,
      target: fault.provider,
      detail,
      workId,
      fault: fault.fault,
    });
  }

  #note(entry: Omit<Disruption, 'at'>): Disruption {
    const noted = { at: Date.now(), ...entry };
    this.diary.push(noted);
    this.#options.report(entry.detail);
    return noted;
  }
}
