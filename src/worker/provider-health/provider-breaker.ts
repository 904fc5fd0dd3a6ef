import { ConsecutiveBreaker } from 'cockatiel';
import type { OutageReport } from '../../domain/messages';
import type { ProviderError } from '../../providers/errors';
import { breakerThreshold } from '../../registry/watch-policy';

/** After a report was taken, the watch gets this long to make it known before it is told again. */
const reportAgainMs = 5000;
/** A mere doubt costs a probe each time it is told. */
const doubtAgainMs = 60_000;

export interface ProviderBreakerOptions {
  /** Tells the provider's watch. Rejects when it could not be told; the next failure tries again. */
  report(report: OutageReport): Promise<void>;
  onReportFailed: (error: unknown) => void;
}

interface Opening {
  isDoubt: boolean;
  /** After this many ms it is told again. Default: by whether it is a doubt. */
  againMs?: number | undefined;
}

/** Counts one provider's failures in this process, and reports an outage when too many come in a row. */
export class ProviderBreaker {
  private counter = new ConsecutiveBreaker(breakerThreshold);
  /** What failed since the last success: apps whose calls did, each with a host of its own, and whether the failures speak of the provider as a whole. */
  private readonly failedApps = new Set<string>();
  private isCertain = false;
  /** A call ended well since the count began. */
  private hasServed = false;
  private isReporting = false;
  private quietUntil = 0;
  /** Of outages that are certain: a doubt does not keep one from being told. */
  private certainQuietUntil = 0;

  constructor(private readonly options: ProviderBreakerOptions) {}

  succeeded(): void {
    this.counter.success();
    this.hasServed = true;
    this.forget();
  }

  /** Begins a new count: what failed before says nothing about a provider that has come back. */
  reset(): void {
    this.counter = new ConsecutiveBreaker(breakerThreshold);
    this.forget();
    this.hasServed = false;
    this.quietUntil = 0;
    this.certainQuietUntil = 0;
  }

  /** @param app the one of the provider's apps that was called; left out where there is only the provider itself */
  failed(error: ProviderError, app?: string): void {
    if (!isProviderOut(error)) return;
    if (app !== undefined) this.failedApps.add(app);
    this.isCertain ||= app === undefined || this.failedApps.size > 1;
    if (this.counter.failure()) this.open(error.message, { isDoubt: !this.isCertain });
    // An app of several may be silent because it starts.
    else if (app === undefined && isSilence(error))
      this.open(error.message, { isDoubt: true, againMs: reportAgainMs });
  }

  private forget(): void {
    this.failedApps.clear();
    this.isCertain = false;
  }

  private open(reason: string, { isDoubt, againMs = isDoubt ? doubtAgainMs : reportAgainMs }: Opening): void {
    if (this.isReporting || Date.now() < (isDoubt ? this.quietUntil : this.certainQuietUntil)) return;
    this.isReporting = true;
    void this.options
      .report({ reason, ...(isDoubt && { isDoubt }), ...(this.hasServed && { hasServed: true }) })
      .then(() => {
        this.quietUntil = Date.now() + againMs;
        if (!isDoubt) this.certainQuietUntil = this.quietUntil;
      })
      .catch(this.options.onReportFailed)
      .finally(() => {
        this.isReporting = false;
      });
  }
}

const gatewayStatuses: readonly number[] = [502, 503, 504];

/**
 * Whether a failure speaks of the provider as a whole: no connection, no answer, a gateway's error. A refusal, a full
 * queue, a broken picture or a run that failed never does.
 */
export function isProviderOut({ failure, code, certainty, status }: ProviderError): boolean {
  const { outage, answeredBy } = failure;
  if (failure.class !== 'outage' && failure.class !== 'transient') return false;
  if (answeredBy === 'us' || outage === 'endpoint') return false;
  // A refused key or a full queue at the health route says no more than at any other.
  if (code === 'provider_unwell' && status !== undefined) return status >= 500;
  // After the provider took the job, only these say that it is out of reach.
  if (certainty === 'accepted')
    return outage === 'way' || (status !== undefined && gatewayStatuses.includes(status));
  return outage !== 'none' || (status !== undefined && (status >= 500 || status === 408));
}

/**
 * Whether a failure, alone as it is, is reason enough to ask the provider: whoever took the connection answered nothing at
 * all. Calls that are lost so come slowly, one after another.
 */
export function isSilence({ failure, code, certainty }: ProviderError): boolean {
  if (code === 'pod_silent' || code === 'no_answer') return true;
  return failure.outage === 'provider' && failure.answeredBy === 'nobody' && certainty !== 'accepted';
}
