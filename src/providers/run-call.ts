import { toProviderError, type CallState } from './call-failure';
import { openCallScope } from './deadlines';
import type { CallContext, ProviderJob, ProviderResult } from './types';

interface Call {
  readonly state: CallState;
  run(): Promise<ProviderResult>;
}

/**
 * Runs one call within its total deadline.
 *
 * @throws ProviderError for whatever broke it; the caller's own abort rejects with the signal's reason.
 */
export async function runCall(
  job: ProviderJob,
  context: CallContext,
  begin: (signal: AbortSignal) => Call,
): Promise<ProviderResult> {
  const scope = openCallScope(context.signal, job.deadlines.totalSeconds);
  const call = begin(scope.signal);
  try {
    return await call.run();
  } catch (error) {
    context.signal.throwIfAborted();
    throw toProviderError(error, call.state);
  } finally {
    scope.close();
  }
}
