import type { FailureClass, ProviderName } from '../domain/taxonomy';
import { MediaError, ProviderError, type ProviderCharge } from './errors';
import { mediaFailure } from './media-errors';
import { classifyTransportError, type CallStage } from './transport-error';

/** Where a call stands; a client keeps it up to date as the call goes on. */
export interface CallState {
  readonly provider: ProviderName;
  stage: CallStage;
  providerRequestId?: string | undefined;
  /** What the provider said it bills of a job we stopped. */
  charge?: ProviderCharge | undefined;
  /** See `MediaFailureOptions.blankIs`. */
  readonly blankIs: FailureClass;
}

/**
 * Whatever broke a call, as the one error clients throw. A `ProviderError` passes unchanged.
 * Look at the caller's signal first: its abort is no failure.
 */
export function toProviderError(error: unknown, state: CallState): ProviderError {
  if (error instanceof ProviderError) return error;
  const { provider, providerRequestId, charge } = state;
  if (error instanceof MediaError) {
    return mediaFailure(error, { ...state, isAnswerToSubmit: state.stage === 'submitting' });
  }
  const failure = classifyTransportError(error, state.stage);
  const { message, ...known } = failure ?? unexpectedFailure(state.stage);
  return new ProviderError(message, {
    ...known,
    provider,
    providerRequestId,
    charge,
    cause: error,
  });
}

/**
 * Runs one verb of a client.
 *
 * @throws ProviderError for whatever broke it; an abort rejects with the signal's own reason.
 */
export async function runVerb<Outcome>(
  signal: AbortSignal,
  state: CallState,
  verb: () => Promise<Outcome>,
): Promise<Outcome> {
  try {
    return await verb();
  } catch (error) {
    signal.throwIfAborted();
    throw toProviderError(error, state);
  }
}

/** Our own disk, or a defect: nothing is known about the provider, and another try may fare better. */
function unexpectedFailure(stage: CallStage) {
  const certainty = ({ preparing: 'not_sent', submitting: 'unknown', accepted: 'accepted' } as const)[stage];
  const message = 'the call failed on our side';
  return { failureClass: 'transient', code: 'internal_error', certainty, message } as const;
}
