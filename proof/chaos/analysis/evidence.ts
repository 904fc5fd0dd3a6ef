import type { AttemptRecord } from '../../../src/domain/attempt-record';
import type { NewFault } from '../../../emulator/faults/faults';

/** Everything a run leaves behind; the analysis needs nothing else. Times are milliseconds since the epoch. */
export interface Evidence {
  policy: 'resubmit' | 'hold';
  /** The Modal apps take named jobs, so that every lost submit can be looked up: nothing may stay in doubt. */
  named: boolean;
  /** Slots that were put before a person. */
  decisions: number;
  works: readonly WorkOutcome[];
  /** The emulator's journal: every job a provider accepted. */
  jobs: readonly PaidJob[];
  disruptions: readonly Disruption[];
}

/** One request to the API and what became of it. */
export interface WorkOutcome {
  /** Unique word that also stands in the prompt, or the hash of the picture it starts from. */
  workId: string;
  flow: string;
  /** Pictures asked for. */
  images: number;
  /** Absent: the API never accepted it. */
  generationId?: string | undefined;
  /** Other jobs the same Idempotency-Key was answered with. */
  otherIds?: readonly string[] | undefined;
  /** Seed of slot 1; slot n is planned with this plus n - 1. */
  seed: number;
  /** As the API last showed it; absent when it could not be read. */
  status?: string | undefined;
  /** Why the generation as a whole ended. */
  errorCode?: string | undefined;
  slots: readonly SlotOutcome[];
  /** Paid pictures that came late and were kept beside those of the slots. */
  extras?: readonly ExtraOutcome[] | undefined;
  /** The request said `hedge`. */
  mayRace?: boolean | undefined;
  /** Provider jobs whose price was still not known at the end of the wait. */
  unsettledJobs?: number | undefined;
}

export interface ExtraOutcome {
  /** 1-based. */
  slot: number;
  provider: string;
  endpoint: string;
  seed: number;
}

export interface SlotOutcome {
  /** 1-based. */
  slot: number;
  status: string;
  /** Of the last picture; a refill has another one than the plan. */
  seed: number;
  attempts: readonly AttemptRecord[];
  /** USD as the slot itself sums its attempts up. */
  costUsd: number;
  atRiskUsd: number;
  errorCode?: string | undefined;
  /** What is wrong with the delivered bytes; absent when they were read back and decoded. */
  assetProblem?: string | undefined;
}

/** One job in the journal. */
export interface PaidJob {
  n: number;
  provider: string;
  endpoint: string;
  /** Whose it is, by the word in its body; absent: nobody's. */
  workId?: string | undefined;
  seed?: number | undefined;
  /** Name of a named Modal job; made from the `jobKey` of its attempts. */
  jobKey?: string | undefined;
  /** Request, prompt and call id. */
  ids: readonly string[];
  at: number;
  outcome: 'running' | 'succeeded' | 'failed' | 'cancelled' | 'lost';
  chargedUsd: number;
}

export type FaultName = NewFault['fault'];

/** Something the chaos program did to the system. */
export interface Disruption {
  at: number;
  /** `partition`: a worker is cut off from Temporal and runs on. `race`: not from outside; we stopped who lost it. */
  kind: 'kill' | 'outage' | 'hang' | 'cut' | 'fault' | 'partition' | 'race';
  /** The process or the provider. */
  target: string;
  /** For people. */
  detail: string;
  /** The one request a fault was aimed at. */
  workId?: string | undefined;
  /** What the emulator plays, for a fault or a cut. */
  fault?: FaultName | undefined;
  /** When a row of refusals struck last. */
  until?: number | undefined;
  /** An outage or a hang that ends here. */
  isEnd?: boolean | undefined;
}

/** Statuses of a generation or slot after which nothing more happens. */
export const endStatuses: ReadonlySet<string> = new Set(['completed', 'partial', 'failed', 'cancelled']);
