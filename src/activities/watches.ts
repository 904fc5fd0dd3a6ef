import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { OutageReport } from '../domain/messages';
import type { ParkedCount, ProviderHealthRecord } from '../domain/provider-health';
import type { ProviderName } from '../domain/taxonomy';
import type { ProviderClient, ProviderHealth } from '../providers/types';

/** The providers' watches as activities and workers speak to them. Every call may be repeated. */
export interface ProviderWatches {
  /** Begins the provider's watch, or tells the running one, that calls fail. @throws when Temporal cannot be reached. */
  reportOutage(provider: ProviderName, report: OutageReport): Promise<void>;
  /** Has the provider's watch wake this workflow when the provider is up. @throws when Temporal cannot be reached. */
  park(provider: ProviderName, workflowId: string): Promise<void>;
  /** Wakes a waiting workflow; one that is gone needs no waking. @throws when Temporal cannot be reached. */
  wake(provider: ProviderName, workflowId: string): Promise<void>;
}

/** Puts the calling workflow on the list of these providers' watches: each wakes it once its provider is up. */
export function createJoinWatches(watches: Pick<ProviderWatches, 'park'>) {
  return async function joinWatches({ providers }: { providers: ProviderName[] }): Promise<void> {
    const job = Context.current().info.workflowExecution;
    if (job === undefined) throw ApplicationFailure.nonRetryable('joinWatches was not called by a workflow');
    await Promise.all(providers.map((provider) => watches.park(provider, job.workflowId)));
  };
}

export interface WakeJobsInput {
  provider: ProviderName;
  workflowIds: string[];
}

export interface WakeJobsResult {
  /** Jobs that could not be told just now. */
  missed: string[];
}

/** Signals on their way at once: more gain nothing, the server is busy carrying the woken jobs on. */
const atOnce = 20;

/** Tells waiting jobs that a provider is up. A retry goes on behind the last group that was told. */
export function createWakeJobs(watches: Pick<ProviderWatches, 'wake'>) {
  return async function wakeJobs({ provider, workflowIds }: WakeJobsInput): Promise<WakeJobsResult> {
    const context = Context.current();
    const told = (context.info.heartbeatDetails as WakeProgress | undefined) ?? { count: 0, missed: [] };
    while (told.count < workflowIds.length) {
      const group = workflowIds.slice(told.count, told.count + atOnce);
      const answers = await Promise.allSettled(group.map((id) => watches.wake(provider, id)));
      told.missed.push(...group.filter((_, index) => answers[index]?.status === 'rejected'));
      told.count += group.length;
      context.heartbeat(told);
    }
    return { missed: told.missed };
  };
}

interface WakeProgress extends WakeJobsResult {
  count: number;
}

/** Where every worker and API reads which providers are down. */
export interface HealthRecords {
  /** Idempotent; keeps the newest state. */
  record(health: ProviderHealthRecord): Promise<void>;
  /** Changes the number alone, of a provider of which there is a state. Idempotent. */
  recordParked(count: ParkedCount): Promise<void>;
}

/** Writes what a provider's watch found to the database. Safe to repeat. */
export function createRecordHealth(records: HealthRecords) {
  return async function recordHealth(found: ProviderHealthRecord | ParkedCount): Promise<void> {
    if (found.state === undefined) await records.recordParked(found);
    else await records.record(found);
  };
}

/** Longest time a probe may take, in ms; below the activity's own limits. */
const probeMs = 12_000;

/** A free request that shows whether the provider answers. */
export function createCheckProvider(clients: Readonly<Partial<Record<ProviderName, ProviderClient>>>) {
  return async function checkProvider({ provider }: { provider: ProviderName }): Promise<ProviderHealth> {
    const { cancellationSignal } = Context.current();
    Context.current().heartbeat();
    const client = clients[provider];
    if (client === undefined) return { healthy: false, detail: `${provider} is disabled on this worker` };
    const signal = AbortSignal.any([cancellationSignal, AbortSignal.timeout(probeMs)]);
    return await client.checkHealth({ signal });
  };
}
