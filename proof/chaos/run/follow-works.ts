import { z } from 'zod';
import { endStatuses } from '../analysis/evidence';
import { readGeneration } from './generation-answer';
import type { PatientClient } from './http-client';
import { chaosCallers, chaosCharacter } from './prepare-subjects';
import type { StartedWork } from './start-works';
import { pause } from './steps';

const pageSchema = z.object({
  items: z.array(z.object({ id: z.string(), status: z.string() })),
  nextCursor: z.string().nullable(),
});

const lookMs = 1_000;
/** Every so often each open job is asked for by itself: the list shows what was last stored. */
const closeLookMs = 10_000;

/** Keeps track of what has ended, and is the person who answers `needs_decision`. */
export class Follower {
  readonly #client: PatientClient;
  readonly #open = new Map<string, StartedWork>();
  #closeLookAt = Date.now() + closeLookMs;
  /** Slots that were put before a person. */
  decisions = 0;
  /** When the last job was seen to end. */
  lastEndAt = Date.now();

  constructor(client: PatientClient) {
    this.#client = client;
  }

  add(work: StartedWork): void {
    this.#open.set(work.generationId, work);
  }

  /** Pictures of jobs that have not ended. */
  get openImages(): number {
    return [...this.#open.values()].reduce((sum, { item }) => sum + item.images, 0);
  }

  /** Looks again and again until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const caller of chaosCallers) await this.#lookAtList(caller);
      if (Date.now() >= this.#closeLookAt) await this.#lookClosely(signal);
      await pause(lookMs, signal);
    }
  }

  async #lookAtList(caller: string | undefined): Promise<void> {
    const own = [...this.#open].filter(([, { item }]) => item.caller === caller);
    const unseen = new Set(own.map(([id]) => id));
    let cursor: string | null = '';
    while (cursor !== null && unseen.size > 0) {
      const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const path = `/v1/generations?characterId=${chaosCharacter}&limit=100${after}`;
      const { body } = await this.#client.send({ method: 'GET', path, caller });
      const page = pageSchema.parse(body);
      for (const { id, status } of page.items) {
        unseen.delete(id);
        if (endStatuses.has(status)) this.#ended(id);
      }
      cursor = page.nextCursor;
    }
  }

  async #lookClosely(signal: AbortSignal): Promise<void> {
    for (const [id, { item }] of [...this.#open]) {
      const { caller } = item;
      if (signal.aborted) return;
      const generation = await readGeneration(this.#client, { id, caller });
      if (generation === undefined || endStatuses.has(generation.status)) this.#ended(id);
      for (const { slot, status } of generation?.slots ?? []) {
        if (status === 'needs_decision') await this.#decide(id, slot, caller);
      }
    }
    this.#closeLookAt = Date.now() + closeLookMs;
  }

  /** Never pays again: what is proven is that nothing is paid twice without being told to. */
  async #decide(id: string, slot: number, caller: string | undefined): Promise<void> {
    const path = `/v1/generations/${id}/slots/${slot}/decide`;
    const json = { decision: 'give_up' };
    const { status } = await this.#client.send({ method: 'POST', path, caller, json });
    if (status < 300) this.decisions += 1;
  }

  #ended(id: string): void {
    if (this.#open.delete(id)) this.lastEndAt = Date.now();
  }
}
