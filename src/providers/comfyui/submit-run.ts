import type { CallState } from '../call-failure';
import { openCallScope } from '../http/deadlines';
import { endedAs, ProviderError } from '../errors';
import type { HttpClient } from '../http/http';
import type { ProviderJob, SubmitContext, Submitted } from '../types';
import { toComfyUiError } from './errors';
import { fillGraph } from './fill-graph';
import type { GraphFile } from './graph-file';
import { nameAfterRun } from './own-file';
import { createPod, limitsOf, type PodOptions } from './pod';
import { promptIdOf } from './prompt-id';
import { noteOf } from './run-handle';
import { stopRun } from './stop-run';
import { SubmitRefused } from './submit-refused';

export interface SubmitRunOptions {
  job: ProviderJob;
  graph: GraphFile;
  http: HttpClient;
  baseUrl: string;
  context: SubmitContext;
}

/** Longest time of a paid submit that the caller no longer waits for. */
const submitSeconds = 20;

/**
 * Submits a job, once.
 *
 * The pod is asked first whether it has the run, although the key is new: it takes the same id twice and runs it twice.
 * An earlier call with this key may have sent a submit that the pod read only after it had said that it knows no such run,
 * and a repeated call whose notes were lost looks like the first one.
 *
 * @throws ProviderError
 */
export async function submitRun(options: SubmitRunOptions): Promise<Submitted> {
  const { job, graph, context, http, baseUrl } = options;
  const promptId = promptIdOf(job.jobKey);
  const state: CallState = { provider: 'comfyui', stage: 'preparing', blankIs: 'corrupt' };
  const limits = limitsOf(job.deadlines);
  const { signal } = context;
  try {
    const pod = createPod({ http, baseUrl, limits, signal });
    const { state: place } = await pod.find(promptId);
    if (place === 'finished')
      return { kind: 'accepted', handle: noteOf({ promptId }), providerRequestId: promptId };
    if (place !== 'absent') return acceptedNow(promptId);
    const filled = await fillGraph({
      ...{ graph, job, pod, media: context.media },
      onProgress: (step) => context.onProgress(step),
    });
    await context.intent({ promptId });
    signal.throwIfAborted();
    Object.assign(state, { stage: 'submitting', providerRequestId: promptId });
    const run = { promptId, graph: nameAfterRun(filled, graph, promptId) };
    return acceptedNow(await send(run, { http, baseUrl, limits }));
  } catch (error) {
    if (error instanceof SubmitRefused) throw await refused(error, options, state);
    signal.throwIfAborted();
    throw withoutStatus(toComfyUiError(error, state));
  }
}

function acceptedNow(promptId: string): Submitted {
  const handle = noteOf({ promptId, queuedSince: new Date().toISOString() });
  return { kind: 'accepted', handle, providerRequestId: promptId };
}

/** The caller's abort does not cut the submit off: then nobody could tell whether there is a run to stop. */
async function send(
  run: Parameters<ReturnType<typeof createPod>['submit']>[0],
  options: Omit<PodOptions, 'signal'>,
): Promise<string> {
  const scope = openCallScope(new AbortController().signal, submitSeconds);
  try {
    return await createPod({ ...options, signal: scope.signal }).submit(run);
  } finally {
    scope.close();
  }
}

/** The part of a graph that was valid runs although the answer is a failure to us: its pictures are not wanted. */
async function refused(
  error: SubmitRefused,
  { graph, http, baseUrl }: SubmitRunOptions,
  state: CallState,
): Promise<ProviderError> {
  const failure = toComfyUiError(error, state);
  if (error.queuedAs === undefined) return failure;
  const unwanted = { promptId: error.queuedAs, graph, isAccepted: true };
  const stopped = await stopRun(unwanted, { http, baseUrl }, new AbortController().signal);
  const charge = stopped.kind === 'stopped' ? stopped.charge : undefined;
  return failure.with({ outcome: endedAs(charge), charge });
}

/**
 * Of an answer that was no word of the server's own. The status of whoever answered would read as an answer to the submit,
 * and the next call would be another run instead of a look for this one.
 */
function withoutStatus(failure: ProviderError): ProviderError {
  if (failure.certainty !== 'unknown' || failure.status === undefined) return failure;
  const { provider, retryAfterMs, providerRequestId } = failure;
  return new ProviderError('something else than the pod answered the submit', {
    ...{ provider, retryAfterMs, providerRequestId },
    code: 'submit_unconfirmed',
    outcome: 'nobody_knows',
    cause: failure,
  });
}
