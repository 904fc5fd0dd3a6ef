import type { SlotOutcome, WorkOutcome } from '../chaos/analysis/evidence';
import { NoAnswer, type PatientClient } from '../chaos/run/http-client';
import { pictureProblem } from '../chaos/run/picture-problem';
import { pause, pictureWindow, until } from '../chaos/run/steps';
import type { PeerJobState } from './peer-job';
import type { PeerWork } from './plan-jobs';

const lookMs = 1_000;

/** A caller of a peer: starts every job once, asks for it until it has ended or is forgotten, fetches its picture. */
export class PeerCaller {
  readonly #client: PatientClient;
  readonly #works: readonly PeerWork[];
  readonly #states = new Map<string, PeerJobState['status'] | 'lost'>();
  readonly #problems = new Map<string, string | undefined>();

  constructor(client: PatientClient, works: readonly PeerWork[]) {
    this.#client = client;
    this.#works = works;
  }

  /** Sends every job as soon as there is room; a job counts as accepted with the peer's answer. */
  async startAll(signal: AbortSignal): Promise<void> {
    const jobs = this.#works.flatMap((work) => work.jobs);
    const room = pictureWindow(jobs.length);
    for (const job of jobs) {
      await until(() => this.#open().length < room, signal);
      if (signal.aborted) return;
      await this.#client.send({ method: 'POST', path: '/jobs', json: job });
      this.#states.set(job.id, 'running');
    }
  }

  /** Looks after the open jobs until none is left or it is aborted; call after `startAll` has begun. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const id of this.#open()) {
        const { status, body } = await this.#client.send({ method: 'GET', path: `/jobs/${id}` });
        const state = status === 404 ? 'lost' : (body as PeerJobState).status;
        // A caller fetches its picture at once: later it may be gone with the process.
        if (state === 'completed') this.#problems.set(id, await this.#problem(id));
        this.#states.set(id, state);
      }
      await pause(lookMs, signal);
    }
  }

  /** Resolves when every job that was started has ended or is forgotten. */
  async untilEnded(signal: AbortSignal): Promise<void> {
    await until(() => this.#open().length === 0, signal);
  }

  /** What became of every job, in the shape the analysis takes. */
  outcomes(): WorkOutcome[] {
    return this.#works.map(({ item: { workId, flow, images, seed }, jobs }) => {
      const slots = jobs.map(({ id }, index) => this.#outcome(id, seed, index + 1));
      return { workId, flow, images, seed, generationId: workId, status: 'completed', slots };
    });
  }

  #outcome(id: string, firstSeed: number, slot: number): SlotOutcome {
    const status = this.#states.get(id) ?? 'running';
    const nothing = { attempts: [], costUsd: 0, atRiskUsd: 0 };
    return { slot, status, seed: firstSeed + slot - 1, ...nothing, assetProblem: this.#problems.get(id) };
  }

  async #problem(id: string): Promise<string | undefined> {
    try {
      return await pictureProblem(await this.#client.download(`/jobs/${id}/picture`));
    } catch (error) {
      if (error instanceof NoAnswer) return error.message;
      throw error;
    }
  }

  #open(): string[] {
    return [...this.#states].flatMap(([id, state]) => (state === 'running' ? [id] : []));
  }
}
