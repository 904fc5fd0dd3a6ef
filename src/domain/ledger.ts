import type { Billing } from './attempt-record';
import type { DispatchState } from './dispatch';
import type { FailureCode } from './failures';
import type { ProviderName, SlotFailureCode } from './taxonomy';

/**
 * What became of a provider job.
 *
 * - `open`: it may still give its picture.
 * - `lost`: nobody can find out about it.
 * - `given_up`: nobody waits for it any more. The clean-up finds out what it cost.
 * - `ended`: it is over without a picture for the slot.
 * - `made`: it made the slot's picture.
 */
export type Fate = 'open' | 'lost' | 'given_up' | 'ended' | 'made';

/** What a job costs, as far as it is known. `committed`: its price, while it is open. */
export type Money =
  | { kind: 'free' }
  | { kind: 'committed'; usd: number }
  | { kind: 'at_risk'; usd: number }
  /** `estimated`: the provider gave no figure; the price table's stands in. */
  | { kind: 'cost'; usd: number; estimated?: boolean | undefined; billing?: Billing | undefined };

/** One paid submit of a slot. Times are epoch ms. */
export interface Job {
  /** Unique for ever. */
  key: string;
  /** Model id of its candidate. */
  endpoint: string;
  seed: number;
  /** When it was submitted. */
  since: number;
  fate: Fate;
  money: Money;
  /** The way back to it. */
  trace: DispatchState;
  /** Number of the attempt that shows its money. */
  attempt?: number | undefined;
  /** Task queue of the process that may still make a call which nobody else can find. */
  worker?: string | undefined;
  /** A call for it is under way. */
  callingSince?: number | undefined;
  /** That call was told to stop. */
  isStopping?: true | undefined;
  /** It is asked for in vain since then. */
  inVainSince?: number | undefined;
  /** It is not asked for before. */
  notBefore: number;
  /** Calls in a row that were lost on our side. */
  ownLosses: number;
  /** Calls that took the job's whole time. */
  hangs: number;
  /** What the last call for it failed of. */
  failure?: FailureCode | undefined;
  /** With `hold`: a person's permission to pay another one in its place. */
  permission?: 'needed' | 'given' | undefined;
  /** Another one was submitted because this one was slow, or would have been if it had not cost too much. */
  wasRaced?: true | undefined;
  /** It was submitted because another one was slow. */
  isRival?: true | undefined;
  /** Nobody waits for it since then. */
  givenUpAt?: number | undefined;
  /** It cost next to nothing, and so did others of the same attempt: they are left out, and their cost is added here. */
  isSum?: true | undefined;
}

/** What a slot holds against one endpoint. Times are epoch ms. */
export interface EndpointNote {
  /** Jobs that were submitted: each has a key of its own. */
  jobs: number;
  /** Failures of this round, oldest first. */
  failures: FailureCode[];
  /** Of this round: it is `down` as everybody knows, or could not be reached. */
  outage?: 'down' | 'unreached' | undefined;
  /** In this round it is not asked any more. */
  hadItsTurn: boolean;
  /** No new submit before. */
  notBefore: number;
  /** Its pictures are of no use, and there is no refill left. */
  isSpoiled: boolean;
  /** Why another job there would cost too much. Of this round. */
  tooDear?: string | undefined;
}

/** A question to a person. */
export interface Question {
  /** The job it is about. */
  key: string;
  endpoint: string;
  /** Epoch ms. */
  since: number;
  answer?: 'resubmit' | 'give_up' | undefined;
  /** Keys of open jobs that were looked for after the answer, or after the deadline. */
  looked: string[];
}

/** Why the slot can have no picture. */
export interface Verdict {
  code: SlotFailureCode;
  message: string;
  endpoint: string;
}

/** Everything that decides what one slot does next. */
export interface Ledger {
  /** Those that cost nothing and are over are left out; those that cost next to nothing are added up. */
  jobs: Job[];
  /** Calls made so far. */
  calls: number;
  /** By model id. */
  endpoints: Record<string, EndpointNote>;
  /** By provider: submits that something between us and it answered. No new submit there before `until` (epoch ms). */
  doubts: Partial<Record<ProviderName, { count: number; until: number }>>;
  /** Of the next job. */
  seed: number;
  /** 1-based. */
  round: number;
  /** Epoch ms; nothing new is submitted before, so that the error of a gateway has a moment to pass. */
  momentEndsAt: number;
  /** Epoch ms; the slot waits for its next round until then. */
  waitsUntil?: number | undefined;
  /** A person said that this round is to begin now: what a provider asked of other calls does not count. */
  isUrged?: true | undefined;
  /** A job of this round was paid for nothing. */
  isWasteful: boolean;
  /** Jobs paid once more at the same provider, because the one before gave nothing of use. */
  refills: number;
  /** Message of the last failure. */
  reason?: string | undefined;
  question?: Question | undefined;
  /** A refusal that no other provider may get around. */
  refusal?: Verdict | undefined;
  /** A picture like another one of the set, with no refill left. */
  twin?: Verdict | undefined;
}

/** A slot before its first call. */
export function emptyLedger(seed: number): Ledger {
  return {
    ...{ jobs: [], calls: 0, endpoints: {}, doubts: {}, seed, round: 1, momentEndsAt: 0 },
    ...{ isWasteful: false, refills: 0 },
  };
}
