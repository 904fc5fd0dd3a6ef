import type { DispatchCertainty, FailureClass, ProviderCharge, ProviderName } from '../domain/taxonomy';

export interface ProviderErrorOptions {
  provider: ProviderName;
  failureClass: FailureClass;
  /** Stable snake_case code, such as `connection_refused` or `content_policy_violation`. */
  code: string;
  /** Whether a paid job may exist at the provider. */
  certainty: DispatchCertainty;
  /** Milliseconds the provider asked us to wait, already capped. */
  retryAfterMs?: number | undefined;
  /** HTTP status, when one was received. */
  status?: number | undefined;
  providerRequestId?: string | undefined;
  /**
   * The provider positively said that an accepted job is over. Default false: whatever nobody recognised leaves the job
   * open, or it would be paid twice.
   */
  endsJob?: boolean | undefined;
  charge?: ProviderCharge | undefined;
  cause?: unknown;
}

export type { ProviderCharge };

/**
 * Thrown by every provider client for every failure. The message is written for callers: it never holds upstream
 * bodies, tracebacks, paths, prompts or credentials.
 */
export class ProviderError extends Error {
  readonly provider: ProviderName;
  readonly failureClass: FailureClass;
  readonly code: string;
  readonly certainty: DispatchCertainty;
  readonly retryAfterMs: number | undefined;
  readonly status: number | undefined;
  readonly providerRequestId: string | undefined;
  readonly endsJob: boolean;
  readonly charge: ProviderCharge | undefined;

  constructor(message: string, options: ProviderErrorOptions) {
    super(message, { cause: options.cause });
    this.name = 'ProviderError';
    this.provider = options.provider;
    this.failureClass = options.failureClass;
    this.code = options.code;
    this.certainty = options.certainty;
    this.retryAfterMs = options.retryAfterMs;
    this.status = options.status;
    this.providerRequestId = options.providerRequestId;
    this.endsJob = options.endsJob ?? false;
    this.charge = options.charge;
  }

  /** The same failure with more known of its job. */
  with(known: Partial<Pick<ProviderErrorOptions, 'endsJob' | 'certainty' | 'charge'>>): ProviderError {
    const { provider, failureClass, code, certainty, retryAfterMs, status } = this;
    const { providerRequestId, endsJob, charge, cause } = this;
    return new ProviderError(this.message, {
      ...{ provider, failureClass, code, certainty, retryAfterMs, status },
      ...{ providerRequestId, endsJob, charge, cause },
      ...known,
    });
  }
}

export const mediaProblems = [
  'empty',
  'not_media',
  'truncated',
  'blank',
  'too_large',
  'wrong_kind',
  'wrong_size',
  'unavailable',
] as const;
export type MediaProblem = (typeof mediaProblems)[number];

/** Thrown by the media store when what arrived is no usable picture or clip. */
export class MediaError extends Error {
  readonly problem: MediaProblem;

  constructor(problem: MediaProblem, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'MediaError';
    this.problem = problem;
  }
}
