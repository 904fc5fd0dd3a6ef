import type { JsonObject } from '../../domain/taxonomy';
import type { CallState } from '../call-failure';
import { openCallScope } from '../deadlines';
import { ProviderError } from '../errors';
import { toComfyUiError } from './errors';
import { createPod, type PodOptions } from './pod';
import { stopRun } from './stop-run';
import { SubmitRefused } from './submit-refused';

export interface SubmitRunOptions extends Omit<PodOptions, 'signal'> {
  state: CallState;
}

/** Submit, and the look that follows a lost answer. */
const submitSeconds = 60;

/**
 * Submits a run, once, and answers the id it is queued under. The caller's abort does not cut it off: then nobody
 * could tell whether there is a run to stop. When the answer is lost, the pod is asked whether it has the run.
 *
 * @throws ProviderError with certainty `not_sent` when the pod does not have it, `unknown` when it could not be asked.
 */
export async function submitRun(
  { promptId, graph }: { promptId: string; graph: JsonObject },
  options: SubmitRunOptions,
): Promise<string> {
  const scope = openCallScope(new AbortController().signal, submitSeconds);
  const pod = createPod({ ...options, signal: scope.signal });
  try {
    return await pod.submit({ promptId, clientId: promptId, graph });
  } catch (error) {
    // The part of a graph that was valid runs although the answer is a failure to us: its pictures are not wanted.
    const unwanted = error instanceof SubmitRefused ? error.queuedAs : undefined;
    if (unwanted !== undefined) await stopRun(unwanted, options);
    const failure = toComfyUiError(error, options.state);
    if (failure.certainty !== 'unknown') throw failure;
    const sighting = await pod.find(promptId).catch(() => undefined);
    if (sighting === undefined) throw unconfirmed(failure);
    if (sighting.state !== 'absent') return promptId;
    throw toComfyUiError(error, { ...options.state, stage: 'preparing' });
  } finally {
    scope.close();
  }
}

/**
 * The answer was no word of the server's own, and the server could not be asked. Told without the status of whoever
 * answered: it would read as an answer to the submit, and the next call would be another run instead of a look for
 * this one.
 */
function unconfirmed(failure: ProviderError): ProviderError {
  if (failure.status === undefined) return failure;
  const { provider, failureClass, retryAfterMs, providerRequestId } = failure;
  return new ProviderError('the pod may have taken the run, and could not be asked for it', {
    ...{ provider, failureClass, retryAfterMs, providerRequestId },
    code: 'submit_unconfirmed',
    certainty: 'unknown',
    cause: failure,
  });
}
