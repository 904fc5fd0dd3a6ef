import type { FailureCode } from '../../domain/failures';
import { endedAs, ProviderError, type ProviderCharge } from '../errors';
import { providerRequestIdSchema } from '../http/request-id';
import { modalError } from './errors';
import type { NamedJobState } from './wire';

/** Modal's name for the call that does the job. */
export function callIdOf({ callId }: NamedJobState): string | undefined {
  return providerRequestIdSchema.safeParse(callId).data;
}

/** The failure of a job that ended without a result, in the words of its route or of the package. */
export function endOf(job: NamedJobState): ProviderError {
  const charge = chargeOf(job);
  const { state, error } = job;
  const providerRequestId = callIdOf(job);
  if (error?.code === 'route_error' && typeof error.status === 'number') {
    const { status, body } = error;
    const failure = modalError({ status, body, answerTo: 'job', providerRequestId });
    const billed = job.costUsd == null ? failure.charge : charge;
    return failure.with({ outcome: endedAs(billed), charge: billed });
  }
  const [code, message]: [FailureCode, string] =
    state === 'cancelled'
      ? ['job_cancelled', 'the job was cancelled at Modal']
      : error?.code === 'runner_lost'
        ? ['runner_lost', 'the Modal container of the job was lost']
        : ['runner_error', 'the job could not be run at Modal'];
  return new ProviderError(message, {
    ...{ provider: 'modal', code, providerRequestId, outcome: endedAs(charge), charge },
  });
}

/** What a job that has ended is billed. */
export function chargeOf({ costUsd, seconds }: NamedJobState): ProviderCharge {
  if (costUsd === 0 || (costUsd == null && seconds === 0)) return 'none';
  return costUsd == null ? 'price' : { usd: costUsd };
}
