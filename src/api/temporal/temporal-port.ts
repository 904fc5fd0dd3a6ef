import type { CallProgress } from '../../domain/dispatch';
import type { EarlierRuns } from '../../domain/forgotten';
import type { GenerationInput, GenerationState } from '../../domain/generation';
import type { RetryNowResult, SlotDecisionInput } from '../../domain/messages';
import type { ProviderName } from '../../domain/taxonomy';

/** What the API needs of Temporal. Every call ends within a few seconds, also when nobody answers. */
export interface TemporalPort {
  /**
   * Returns the id of its run; `undefined` where it had been started before.
   *
   * @throws TemporalUnavailable which says whether the workflow may have started all the same.
   */
  start(input: GenerationInput): Promise<string | undefined>;
  /** Asks the workflow itself. @throws when no worker answers in time. */
  progress(workflowId: string): Promise<GenerationState>;
  /** What the runs of a workflow knew last that `runs` do not go on from: those before a reset. Never throws. */
  earlierRuns(workflowId: string, runs: readonly string[]): Promise<EarlierRuns>;
  /** Run ids of all generations that run, by workflow id; may lag a moment behind. @throws TemporalUnavailable */
  listRunning(): Promise<Map<string, string>>;
  /** `undefined`: Temporal knows no such workflow. @throws TemporalUnavailable */
  describe(workflowId: string): Promise<RunDescription | undefined>;
  /** Whether there was a running workflow to cancel. Safe to repeat. @throws TemporalUnavailable */
  cancel(workflowId: string): Promise<boolean>;
  /** Says what becomes of a slot whose outcome nobody knows. @throws TemporalUnavailable */
  decideSlot(workflowId: string, decision: SlotDecisionInput): Promise<MessageOutcome<void>>;
  /** Makes every waiting slot try again at once. @throws TemporalUnavailable */
  retryNow(workflowId: string): Promise<MessageOutcome<RetryNowResult>>;
  /** Has the watch of a provider that is down ask it now; without a watch there is nothing to ask. @throws TemporalUnavailable */
  probeNow(provider: ProviderName): Promise<void>;
  /** @throws TemporalUnavailable when the server or its namespace does not answer. */
  ready(): Promise<void>;
  /** Where a person can watch the run; `undefined` when no UI is configured. */
  uiUrl(workflowId: string): string | undefined;
}

export type RunStatus = 'running' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed_out';

/**
 * What a workflow said to a message. `rejected`: it does not fit its state. `gone`: nothing runs under this id.
 * `unanswered`: no worker took it in time; it may still take effect.
 */
export type MessageOutcome<Result> =
  { kind: 'done'; result: Result } | { kind: 'rejected' } | { kind: 'gone' } | { kind: 'unanswered' };

export interface RunDescription {
  status: RunStatus;
  /** Provider calls under way. */
  calls: RunningCall[];
}

/** A provider call under way, as far as Temporal knows it. */
export interface RunningCall {
  slot: number;
  /** 1-based try at this candidate. */
  attempt: number;
  /** Start of this try, ISO 8601; `undefined` while it waits for a worker or for its next try. */
  since: string | undefined;
  /** Why the try before this one failed. */
  lastError: string | undefined;
  progress: CallProgress | undefined;
}

/** Thrown when Temporal does not answer in time, or refuses a call for a reason of its own. */
export class TemporalUnavailable extends Error {
  override readonly name = 'TemporalUnavailable';
  /** Only for starts: the request left, so the workflow may run although no answer came. */
  readonly mayHaveStarted: boolean;

  constructor(message: string, options: { mayHaveStarted?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.mayHaveStarted = options.mayHaveStarted ?? false;
  }
}
