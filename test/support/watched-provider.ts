import type { ProviderWatches } from '../../src/activities/watches';
import type { ParkedCount, ProviderHealthRecord } from '../../src/domain/provider-health';
import type { ProviderHealth } from '../../src/providers/types';
import { FakeProvider } from './fake-provider';

/** A provider whose health route is under the test's control, and everything its watch does to the world. */
export class WatchedProvider extends FakeProvider {
  /** Answers every probe; default: healthy. */
  health: () => ProviderHealth | Promise<ProviderHealth> = () => healthy;
  probes = 0;
  /** What was written to the database, oldest first. */
  readonly records: ProviderHealthRecord[] = [];
  /** The number of jobs that wait, as it was last written. */
  parkedJobs: number | undefined;
  /** Workflow ids in the order in which they were woken. */
  readonly woken: string[] = [];
  /** Called with every wake-up, before it is sent. */
  onWake: (workflowId: string) => Promise<void> = () => Promise.resolve();

  constructor() {
    super('modal');
  }

  override async checkHealth(): Promise<ProviderHealth> {
    this.probes += 1;
    return await this.health();
  }

  record(health: ProviderHealthRecord): Promise<void> {
    this.records.push(health);
    this.parkedJobs = health.parkedJobs;
    return Promise.resolve();
  }

  recordParked({ parkedJobs }: ParkedCount): Promise<void> {
    this.parkedJobs = parkedJobs;
    return Promise.resolve();
  }

  /** The states that were written, without repetitions. */
  states(): string[] {
    return this.records.map(({ state }) => state).filter((state, index, all) => state !== all[index - 1]);
  }

  /** The same watches, with every wake-up noted. */
  noting(watches: ProviderWatches): ProviderWatches {
    return {
      ...watches,
      wake: async (provider, workflowId) => {
        await this.onWake(workflowId);
        this.woken.push(workflowId);
        await watches.wake(provider, workflowId);
      },
    };
  }
}

export const healthy = { healthy: true, detail: 'it answered 200' };
export const silent = { healthy: false, detail: 'the host refused the connection' };
