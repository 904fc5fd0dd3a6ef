import { toProviderError, type CallState } from '../call-failure';
import { delayAbort } from '../http/deadlines';
import { ProviderError } from '../errors';
import { withInputs } from '../input-values';
import type { ProviderJob, SubmitContext, Submitted } from '../types';
import type { FalApi } from './api';
import { clueOf, latestSendSeconds, submittedBefore } from './find';
import type { FalPlatform } from './platform';
import type { ClosedFalClue, FalClue } from './wire';
import { withSafetyChecker } from './safety';
import { uploadInput } from './upload-input';

/** A submit that is cancelled under way may still be answered this long: without its handle nothing can be undone. */
const graceSeconds = 5;

/** Uploads the inputs and puts the job into Fal's queue, unless it is there already. @throws ProviderError, or the reason of the caller's abort. */
export async function submitJob(
  job: ProviderJob,
  context: SubmitContext,
  { api, platform }: { api: FalApi; platform: FalPlatform },
): Promise<Submitted> {
  const { signal } = context;
  const state: CallState = { provider: 'fal', stage: 'preparing', blankIs: 'policy' };
  const grace = delayAbort(signal, graceSeconds);
  let clue: FalClue | undefined;
  try {
    signal.throwIfAborted();
    const earlier = await submittedBefore(job, api);
    if (earlier !== undefined) return earlier;
    const body = await wireBody(job, context, api);
    clue = await clueOf(body, { api, platform });
    const latestMs = Date.now() + latestSendSeconds * 1000;
    await context.intent(clue);
    signal.throwIfAborted();
    if (Date.now() > latestMs) throw tooLate();
    state.stage = 'submitting';
    const { jobKey, endpoint, deadlines } = job;
    const order = { jobKey, endpoint, startSeconds: deadlines.queueSeconds };
    const handle = await api.submit(order, body, { deadlines, signal: grace.signal });
    const queuedSince = new Date().toISOString();
    // So that no look-up takes it for another job. A database that is slow must not hold up the handle.
    if (handle.requestId !== undefined)
      void api.settings.callbacks?.claim(handle.requestId, jobKey).catch(() => undefined);
    return { kind: 'accepted', handle: { ...handle, queuedSince }, providerRequestId: handle.requestId };
  } catch (error) {
    signal.throwIfAborted();
    const failure = toProviderError(error, state);
    if (clue !== undefined && failure.outcome === 'nobody_knows') {
      const closed: ClosedFalClue = { ...clue, closedAt: new Date().toISOString() };
      await context.intent(closed).catch(() => undefined);
    }
    throw failure;
  } finally {
    grace.close();
  }
}

async function wireBody(job: ProviderJob, context: SubmitContext, api: FalApi) {
  const parameters = withSafetyChecker(job.parameters);
  const { media, signal } = context;
  if (job.inputs.length > 0) context.onProgress({ phase: 'uploading' });
  const options = { api, media, exchange: { deadlines: job.deadlines, signal } };
  return await withInputs(parameters, job.inputs, (input) => uploadInput(input, options));
}

/** Its clue says when it left, and would say a wrong time. */
function tooLate(): ProviderError {
  return new ProviderError('storing the intent took too long; nothing was sent', {
    ...{ provider: 'fal', code: 'intent_too_slow', outcome: 'nothing_sent' },
  });
}
