import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { GenerateMediaInput, GenerateMediaResult } from '../domain/dispatch';
import type { AttemptRecord } from '../domain/generation';
import type { PlannedCandidate } from '../domain/plan';
import type { ProviderName } from '../domain/taxonomy';
import { ProviderError } from '../providers/errors';
import type { MediaStore, ProviderClient, ProviderResult } from '../providers/types';
import { AttemptLog } from './attempt-log';
import { asProviderError, toApplicationFailure } from './failures';
import { RunningCalls } from './running-calls';

export interface GenerateMediaDependencies {
  /** A provider without a client is disabled on this worker. */
  clients: Readonly<Partial<Record<ProviderName, ProviderClient>>>;
  /** The asset store as this provider's client sees it. */
  media: (provider: ProviderName) => MediaStore;
}

/** The activity that calls a provider: one paid job, waited for, stored, and remembered across attempts. */
export function createGenerateMedia({ clients, media }: GenerateMediaDependencies) {
  const calls = new RunningCalls();
  return async function generateMedia(input: GenerateMediaInput): Promise<GenerateMediaResult> {
    const context = Context.current();
    const { candidate } = input;
    const log = new AttemptLog(context, candidate, input.handle);
    const stopBeating = log.keepAlive();
    const call = calls.join(input.jobKey, log, async (parts) => {
      return await clientFor(clients, candidate).generate(jobOf(input), {
        ...parts,
        media: media(candidate.provider),
      });
    });
    abortWhenCancelled(context, call.controller);
    try {
      return succeeded(await call.result, candidate, log);
    } catch (error) {
      if (call.controller.signal.aborted) throw cancelled(log, candidate);
      throw await failed(error, candidate, log);
    } finally {
      stopBeating();
    }
  };
}

/**
 * Aborts when the caller cancelled, and for nothing else: a stopping worker lets its calls finish, and a call that
 * timed out here may already go on elsewhere under the same handle.
 */
function abortWhenCancelled(context: Context, controller: AbortController): void {
  context.cancelled.catch((reason: unknown) => {
    if (context.cancellationDetails?.cancelRequested === true) controller.abort(reason);
  });
}

function clientFor(
  clients: GenerateMediaDependencies['clients'],
  { provider }: PlannedCandidate,
): ProviderClient {
  const client = clients[provider];
  if (client !== undefined) return client;
  throw new ProviderError(`${provider} is disabled on this worker: it has no credential.`, {
    provider,
    failureClass: 'auth',
    code: 'provider_disabled',
    certainty: 'not_sent',
  });
}

function jobOf({ jobKey, candidate }: GenerateMediaInput) {
  const { endpoint, app, parameters, inputs, mediaKind, policy } = candidate;
  return { jobKey, endpoint, app, parameters, inputs, mediaKind, deadlines: policy.http };
}

function succeeded(
  result: ProviderResult,
  candidate: PlannedCandidate,
  log: AttemptLog,
): GenerateMediaResult {
  const cost = {
    costUsd: result.costUsd ?? candidate.priceUsd,
    costEstimated: result.costUsd === undefined,
  };
  const { providerRequestId } = result;
  const trail = log.close({ outcome: 'succeeded', certainty: 'accepted', providerRequestId, ...cost });
  return { asset: result.assets[0], providerRequestId, trail, ...cost };
}

function cancelled(log: AttemptLog, { priceUsd }: PlannedCandidate): CancelledFailure {
  const certainty = log.certainty();
  const trail = log.close({
    outcome: 'cancelled',
    certainty,
    message: 'Cancelled by the caller.',
    ...(certainty !== 'not_sent' && { possibleCostUsd: priceUsd }),
  });
  return new CancelledFailure('cancelled', [{ trail }]);
}

async function failed(error: unknown, candidate: PlannedCandidate, log: AttemptLog): Promise<Error> {
  const failure = asProviderError(error, candidate.provider, log.certainty());
  if (failure !== error) Context.current().log.error('unexpected error in a provider call', { error });
  log.close({
    outcome: 'failed',
    errorClass: failure.failureClass,
    errorCode: failure.code,
    message: failure.message,
    // Says what is not known of the attempt before; this one sent nothing.
    certainty: failure.code === 'outcome_unknown' ? 'not_sent' : failure.certainty,
    providerRequestId: failure.providerRequestId,
    ...chargeOf(failure, candidate),
  });
  await log.handOver({ resumable: failure.resumable });
  return toApplicationFailure(failure, candidate, log);
}

/**
 * A picture of no use was made and paid all the same. Where we do not know whether the provider did the work, it may have
 * been. A resumable job is neither: its result is still to come.
 */
function chargeOf(
  { failureClass, certainty, code, resumable }: ProviderError,
  { priceUsd }: PlannedCandidate,
): Charge {
  // The attempt before it has the doubt.
  if (resumable || certainty === 'not_sent' || code === 'outcome_unknown') return {};
  const wasMade = certainty === 'accepted' && ['corrupt', 'policy'].includes(failureClass);
  return wasMade ? { costUsd: priceUsd, costEstimated: true } : { possibleCostUsd: priceUsd };
}

type Charge = Pick<AttemptRecord, 'costUsd' | 'costEstimated' | 'possibleCostUsd'>;
