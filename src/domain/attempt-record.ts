import type { FailureCode } from './failures';
import type { DispatchCertainty, FailureClass, ProviderName } from './taxonomy';

/** Error code of an attempt that was stopped because another provider was faster (`hedge`). */
export const overtakenCode = 'overtaken';

/** Why an attempt gave its slot no picture: its call failed, or the set had no use for what it made. */
export type AttemptErrorCode = FailureCode | PictureProblemCode | EndedOutsideCode | typeof overtakenCode;

/** How a workflow ended that could not write down how its calls ended. */
export type EndedOutsideCode = 'cancelled' | 'workflow_failed' | 'workflow_terminated' | 'workflow_timed_out';

/** `incoherent`: made by another endpoint than the rest of a set that must not mix them. */
export type PictureProblemCode = 'duplicate' | 'incoherent';

/** How a provider counts what it charges: units times unit price. */
export interface Billing {
  units: number;
  unitPriceUsd: number;
  /** Where the unit price stands, such as `fal pricing api` or `price table`. */
  source: string;
  /** ISO 8601; the date of the unit price. */
  asOf: string;
}

/** One try at one provider, as it stands in the trail. */
export interface AttemptRecord {
  /** 1-based across the whole slot. */
  number: number;
  provider: ProviderName;
  endpoint: string;
  /** Names the provider job that this attempt was about. Several attempts may be about one job. */
  jobKey?: string | undefined;
  outcome: 'succeeded' | 'failed' | 'cancelled';
  /** ISO 8601. */
  startedAt: string;
  seconds: number;
  /** What this attempt cost, if anything is known. */
  costUsd?: number | undefined;
  costEstimated?: boolean | undefined;
  /** How that was counted, where the provider says so. */
  billing?: Billing | undefined;
  /** What it cost if the provider did the work after all, by the price table: paid, perhaps, for nothing. */
  atRiskUsd?: number | undefined;
  errorClass?: FailureClass | undefined;
  errorCode?: AttemptErrorCode | undefined;
  /** Safe for callers: never an upstream traceback. */
  message?: string | undefined;
  certainty: DispatchCertainty;
  providerRequestId?: string | undefined;
  /** Every submit under `jobKey` is this one job: what a run before a reset submitted is no other. Shown to nobody. */
  byKey?: true | undefined;
  /** Later attempts that ended just like this one: a long outage is counted, not listed. Its figures are those of all. */
  repeats?: number | undefined;
  /** ISO 8601; when the last of the repeats began. */
  lastRepeatAt?: string | undefined;
}
