import type { CallProgress } from '../../domain/dispatch';
import { queueEndMs } from '../deadlines';
import { ProviderError } from '../errors';
import { findSubmitted, runVanished } from './find-run';
import type { GraphFile } from './graph-file';
import type { Pod, Sighting } from './pod';
import type { RunEvents } from './run-events';
import type { HistoryEntry } from './wire';

export interface AwaitRunOptions {
  pod: Pod;
  promptId: string;
  graph: GraphFile;
  /** ISO 8601. */
  queuedSince: string | undefined;
  events: RunEvents;
  signal: AbortSignal;
  /** Seconds in the queue, from `queuedSince` on, after which the run is taken out of it. */
  queueSeconds: number;
  onProgress: (progress: CallProgress) => void;
}

const firstPollMs = 250;
const longestPollMs = 2_000;
/** Looks that may fail one after the other, about four seconds: a proxy hiccups, a restarting pod takes longer. */
const failuresInARow = 5;

/**
 * Follows a queued run to its entry in the history. The websocket only shortens the waits: every decision is made from
 * queue and history.
 *
 * @throws ProviderError `run_vanished` when the pod forgot the run, `queue_timeout` when it never began; else what the
 * last of several failed looks threw, or the signal's reason.
 */
export async function awaitRun(options: AwaitRunOptions): Promise<HistoryEntry> {
  const { events, signal, promptId, onProgress } = options;
  const look = patientLook(options);
  const queueEndsAtMs = queueEndMs(options.queuedSince, options.queueSeconds);
  let pollMs = firstPollMs;
  let isRunning = false;
  for (;;) {
    const sighting = await look();
    if (sighting?.state === 'finished') return sighting.entry;
    if (sighting?.state === 'absent') throw runVanished(promptId);
    // Once only: the websocket's figures come between the looks and are better.
    if (sighting?.state === 'running' && !isRunning) onProgress({ phase: 'running' });
    isRunning = sighting?.state === 'running';
    if (sighting?.state === 'pending') {
      onProgress({ phase: 'queued', queuePosition: sighting.ahead });
      if (Date.now() >= queueEndsAtMs) await leaveQueue(options);
    }
    await events.pause(pollMs, signal);
    pollMs = Math.min(pollMs * 1.5, longestPollMs);
  }
}

/** A look that may fail some times in a row, and then answers `undefined`. */
function patientLook({ pod, promptId, graph, signal }: AwaitRunOptions): () => Promise<Sighting | undefined> {
  let failures = 0;
  return async () => {
    try {
      const sighting = await findSubmitted(pod, { promptId, graph });
      failures = 0;
      return sighting;
    } catch (error) {
      signal.throwIfAborted();
      failures += 1;
      if (failures >= failuresInARow) throw error;
      return undefined;
    }
  };
}

/** Returns only when the run began at the last moment: then it is worth waiting for. */
async function leaveQueue({ pod, promptId, queueSeconds }: AwaitRunOptions): Promise<void> {
  await pod.dequeue(promptId);
  const { state } = await pod.find(promptId);
  if (state !== 'absent') return;
  throw new ProviderError(`the pod did not begin within ${String(queueSeconds)} s`, {
    provider: 'comfyui',
    failureClass: 'capacity',
    code: 'queue_timeout',
    certainty: 'accepted',
    charge: 'none',
    providerRequestId: promptId,
  });
}
