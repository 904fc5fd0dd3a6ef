import type { ProviderName } from '../domain/taxonomy';
import { AssetNotFound, MediaError } from '../domain/media';
import { ProviderError, type ProviderCharge } from './errors';
import { mediaFailure, type BlankMeaning } from './media-errors';
import { classifyTransportError, type CallStage } from './http/transport-error';

/** Where a call stands; a client keeps it up to date as the call goes on. */
export interface CallState {
  readonly provider: ProviderName;
  stage: CallStage;
  providerRequestId?: string | undefined;
  /** What the provider said it bills of a job we stopped. */
  charge?: ProviderCharge | undefined;
  /** See `MediaFailureOptions.blankIs`. */
  readonly blankIs: BlankMeaning;
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
  const { message, ...known } =
    classifyTransportError(error, state.stage) ?? inputGone(error) ?? unexpectedFailure(state.stage);
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

/** Inputs are read before anything is sent. */
function inputGone(error: unknown) {
  if (!(error instanceof AssetNotFound)) return undefined;
  const message = 'an input picture of this job is no longer in the asset store';
  return { code: 'input_asset_missing', outcome: 'nothing_sent', message } as const;
}

/** Our own disk, or a defect: nothing is known about the provider, and another try may fare better. */
function unexpectedFailure(stage: CallStage) {
  const outcome = (
    { preparing: 'nothing_sent', submitting: 'nobody_knows', accepted: 'still_there' } as const
  )[stage];
  return { code: 'internal_error', outcome, message: 'the call failed on our side' } as const;
}
