import { Context } from '@temporalio/activity';
import type { ProviderCharge, ProviderName } from '../domain/taxonomy';
import type { ProviderClient, UnwantedJob } from '../providers/types';

export interface StopJobInput extends UnwantedJob {
  provider: ProviderName;
}

export interface StopJobResult {
  /** What the job is billed; absent where nobody knows. */
  charge?: ProviderCharge | undefined;
}

/** Longest time it may take, in ms; below the activity's own limits. */
const stopMs = 15_000;

/** Tells a provider to stop a job that nobody waits for any more. Safe to repeat. */
export function createStopJob(clients: Readonly<Partial<Record<ProviderName, ProviderClient>>>) {
  return async function stopJob({ provider, ...job }: StopJobInput): Promise<StopJobResult> {
    Context.current().heartbeat();
    const charge = await clients[provider]?.stop(job, { signal: AbortSignal.timeout(stopMs) });
    return charge === undefined ? {} : { charge };
  };
}
