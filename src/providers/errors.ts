import {
  certaintyAfter,
  failures,
  isEnd,
  type Failure,
  type FailureCode,
  type JobOutcome,
} from '../domain/failures';
import type { Billing } from '../domain/attempt-record';
import type { DispatchCertainty, FailureClass, ProviderCharge, ProviderName } from '../domain/taxonomy';

export interface ProviderErrorOptions {
  provider: ProviderName;
  code: FailureCode;
  /**
   * What the failure says of the paid job. Whatever nobody recognised is `still_there` once a job was accepted, or it would
   * be paid twice.
   */
  outcome: JobOutcome;
  /** Milliseconds the provider asked us to wait, already capped. */
  retryAfterMs?: number | undefined;
  /** HTTP status, when one was received. */
  status?: number | undefined;
  providerRequestId?: string | undefined;
  /** What a job that is over was billed. Left out where nobody says. */
  charge?: ProviderCharge | undefined;
  /** How that was counted, where the provider says so. */
  billing?: Billing | undefined;
  cause?: unknown;
}

export type { ProviderCharge };

/**
 * Thrown by every provider client for every failure. The message is written for callers: it never holds upstream
 * bodies, tracebacks, paths, prompts or credentials.
 */
export class ProviderError extends Error {
  readonly provider: ProviderName;
  readonly code: FailureCode;
  readonly outcome: JobOutcome;
  readonly retryAfterMs: number | undefined;
  readonly status: number | undefined;
  readonly providerRequestId: string | undefined;
  readonly charge: ProviderCharge | undefined;
  readonly billing: Billing | undefined;

  constructor(message: string, options: ProviderErrorOptions) {
    super(message, { cause: options.cause });
    this.name = 'ProviderError';
    this.provider = options.provider;
    this.code = options.code;
    this.outcome = options.outcome;
    this.retryAfterMs = options.retryAfterMs;
    this.status = options.status;
    this.providerRequestId = options.providerRequestId;
    const isFree = options.outcome === 'ended_free' || options.outcome === 'nothing_sent';
    this.billing = options.billing;
    this.charge = isFree ? 'none' : options.charge;
  }

  /** The row of its code in the table of failures. */
  get failure(): Failure {
    return failures[this.code];
  }

  get failureClass(): FailureClass {
    return this.failure.class;
  }

  /** Whether a paid job may exist at the provider. */
  get certainty(): DispatchCertainty {
    return certaintyAfter(this.outcome);
  }

  /** The accepted job is over. */
  get endsJob(): boolean {
    return isEnd(this.outcome);
  }

  /** The same failure with more known of its job. */
  with(known: Partial<Pick<ProviderErrorOptions, 'code' | 'outcome' | 'charge' | 'billing'>>): ProviderError {
    const { provider, code, outcome, retryAfterMs, status, providerRequestId, charge, billing, cause } = this;
    return new ProviderError(this.message, {
      ...{ provider, code, outcome, retryAfterMs, status, providerRequestId, charge, billing, cause },
      ...known,
    });
  }
}

/** What a charge says of a job that is over. */
export function endedAs(charge: ProviderCharge | undefined): JobOutcome {
  return charge === 'none' ? 'ended_free' : 'ended_billed';
}
