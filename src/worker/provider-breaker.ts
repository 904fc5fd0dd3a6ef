import { ConsecutiveBreaker } from 'cockatiel';
import type { ProviderError } from '../providers/errors';
import { breakerThreshold } from '../registry/watch-policy';
import { isProviderOut } from './breaker-failures';

/** After a report was taken, the watch gets this long to make it known before it is told again. */
const reportAgainMs = 5000;

export interface ProviderBreakerOptions {
  /** Tells the provider's watch. Rejects when it could not be told; the next failure tries again. */
  report(reason: string): Promise<void>;
  onReportFailed: (error: unknown) => void;
}

/** Counts one provider's failures in this process, and reports an outage when too many come in a row. */
export class ProviderBreaker {
  private counter = new ConsecutiveBreaker(breakerThreshold);
  private isReporting = false;
  private reportedAt = 0;

  constructor(private readonly options: ProviderBreakerOptions) {}

  succeeded(): void {
    this.counter.success();
  }

  /** Begins a new count: what failed before says nothing about a provider that has come back. */
  reset(): void {
    this.counter = new ConsecutiveBreaker(breakerThreshold);
    this.reportedAt = 0;
  }

  failed(error: ProviderError): void {
    if (!isProviderOut(error)) return;
    if (this.counter.failure()) this.open(error.message);
  }

  private open(reason: string): void {
    if (this.isReporting || Date.now() - this.reportedAt < reportAgainMs) return;
    this.isReporting = true;
    void this.options
      .report(reason)
      .then(() => {
        this.reportedAt = Date.now();
      })
      .catch(this.options.onReportFailed)
      .finally(() => {
        this.isReporting = false;
      });
  }
}
