import { Context } from '@temporalio/activity';
import type { JsonValue, ProviderCharge, ProviderName } from '../domain/taxonomy';
import type { ProviderClient } from '../providers/types';

export interface StopJobInput {
  provider: ProviderName;
  /** As the job's call noted it. */
  handle: JsonValue;
}

export interface StopJobResult {
  /** What the job is billed; absent where nobody knows. */
  charge?: ProviderCharge | undefined;
}

/** Longest time it may take, in ms; below the activity's own limits. */
const stopMs = 15_000;

/** Tells a provider to stop an accepted job that nobody waits for any more. Safe to repeat. */
export function createStopJob(clients: Readonly<Partial<Record<ProviderName, ProviderClient>>>) {
  return async function stopJob({ provider, handle }: StopJobInput): Promise<StopJobResult> {
    Context.current().heartbeat();
    const charge = await clients[provider]?.stop(handle, { signal: AbortSignal.timeout(stopMs) });
    return charge === undefined ? {} : { charge };
  };
}
