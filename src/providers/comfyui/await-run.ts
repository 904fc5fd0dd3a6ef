import type { CallProgress } from '../../domain/dispatch';
import { DeadlineExceeded, queueEndMs } from '../http/deadlines';
import { ProviderError } from '../errors';
import { PodSilent } from './answer-error';
import { findSubmitted, runVanished, type RunSighting } from './find-run';
import type { GraphFile } from './graph-file';
import type { Pod } from './pod';
import type { RunEvents } from './run-events';

export interface AwaitRunOptions {
  pod: Pod;
  promptId: string;
  graph: GraphFile;
  /** ISO 8601. */
  queuedSince: string | undefined;
  /** Opens the websocket; called once, and only where there is something to wait for. */
  beginToWait(onRunning: (fraction: number | undefined) => void): Promise<RunEvents>;
  signal: AbortSignal;
  /** Seconds in the queue, from `queuedSince` on, after which the run is taken out of it. */
  queueSeconds: number;
  /** Longest time a look may take. */
  answerSeconds: number;
  onProgress: (progress: CallProgress) => void;
}

export type FinishedRun = Extract<RunSighting, { state: 'finished' }>;

const firstPollMs = 250;
const longestPollMs = 2_000;
/** Looks that may fail one after the other, about four seconds: a proxy hiccups, a restarting pod takes longer. */
const failuresInARow = 5;
/** Looks without any answer: a pod that loads a large model may miss one. */
const silencesInARow = 2;
/** Of the time a look may take: whoever watches the call sees a silence before it ends the call. */
const noticeShare = 1 / 2;

/**
 * Follows a queued run to its end. The websocket only shortens the waits: every decision is made from queue and history.
 *
 * @throws ProviderError `run_vanished` when the pod forgot the run, `queue_timeout` when it never began; else what the
 * last of several failed looks threw, or the signal's reason.
 */
export async function awaitRun(options: AwaitRunOptions): Promise<FinishedRun> {
  const watch = new RunWatch(options);
  try {
    return await watch.untilFinished();
  } finally {
    watch.close();
  }
}

class RunWatch {
  private events: RunEvents | undefined;
  private progress: CallProgress = { phase: 'queued' };
  private silentSince: number | undefined;
  private failures = 0;
  private silences = 0;

  constructor(private readonly options: AwaitRunOptions) {}

  async untilFinished(): Promise<FinishedRun> {
    const { signal, promptId, queueSeconds } = this.options;
    const queueEndsAtMs = queueEndMs(this.options.queuedSince, queueSeconds);
    let pollMs = firstPollMs;
    for (;;) {
      const sighting = await this.look();
      if (sighting?.state === 'finished') return sighting;
      if (sighting?.state === 'absent') throw runVanished(promptId);
      if (sighting?.state === 'running') this.showRunning();
      if (sighting?.state === 'pending') {
        this.show({ phase: 'queued', queuePosition: sighting.ahead });
        if (Date.now() >= queueEndsAtMs) await leaveQueue(this.options);
      }
      // A silent look has waited long enough.
      if (this.silences > 0) continue;
      this.events ??= await this.options.beginToWait((fraction) => {
        this.show({ phase: 'running', fraction });
      });
      await this.events.pause(pollMs, signal);
      pollMs = Math.min(pollMs * 1.5, longestPollMs);
    }
  }

  close(): void {
    this.events?.close();
  }

  /** `undefined` when it failed, as it may some times in a row. */
  private async look(): Promise<RunSighting | undefined> {
    const { pod, promptId, graph, signal, answerSeconds } = this.options;
    const askedAt = Date.now();
    const notice = setTimeout(() => this.showSilence(askedAt), answerSeconds * noticeShare * 1000);
    try {
      const sighting = await findSubmitted(pod, { promptId, graph });
      this.heard();
      return sighting;
    } catch (error) {
      signal.throwIfAborted();
      this.failures += 1;
      this.silences = isSilence(error) ? this.silences + 1 : 0;
      if (this.failures >= failuresInARow || this.silences >= silencesInARow) throw error;
      return undefined;
    } finally {
      clearTimeout(notice);
    }
  }

  private heard(): void {
    this.failures = 0;
    this.silences = 0;
    if (this.silentSince === undefined) return;
    this.silentSince = undefined;
    this.show(this.progress);
  }

  private showSilence(askedAt: number): void {
    this.silentSince ??= askedAt;
    const silentSince = new Date(this.silentSince).toISOString();
    this.options.onProgress({ ...this.progress, silentSince });
  }

  /** Once only: the websocket's figures come between the looks and are better. */
  private showRunning(): void {
    if (this.progress.phase !== 'running') this.show({ phase: 'running' });
  }

  private show(progress: CallProgress): void {
    this.progress = progress;
    this.options.onProgress(progress);
  }
}

function isSilence(error: unknown): boolean {
  return error instanceof PodSilent || (error instanceof DeadlineExceeded && error.kind === 'connect');
}

/** Returns only when the run began at the last moment: then it is worth waiting for. */
async function leaveQueue({ pod, promptId, queueSeconds }: AwaitRunOptions): Promise<void> {
  await pod.dequeue(promptId);
  const { state } = await pod.find(promptId);
  if (state !== 'absent') return;
  throw new ProviderError(`the pod did not begin within ${String(queueSeconds)} s`, {
    provider: 'comfyui',
    code: 'queue_timeout',
    outcome: 'ended_free',
    providerRequestId: promptId,
  });
}
