import { overtakenCode, type AttemptErrorCode, type AttemptRecord } from '../../../src/domain/attempt-record';
import type { Disruption, FaultName } from './evidence';
import type { MatchedSlot } from './match-jobs';

/** A submit of which the trail says that nobody could know what became of it. */
export interface UnknownOutcome {
  workId: string;
  slot: number;
  provider: string;
  endpoint: string;
  startedAt: string;
  seconds: number;
  code: string;
  atRiskUsd: number;
  /** What the journal knows: whether the provider had accepted it, and what it charged. */
  accepted: boolean;
  chargedUsd: number;
  /** The kill, cut or outage behind it; absent: none that fits. */
  cause?: Disruption | undefined;
}

/** Every attempt with certainty `unknown`, with the disruption that fits it best. */
export function findUnknowns(
  slots: readonly MatchedSlot[],
  disruptions: readonly Disruption[],
): UnknownOutcome[] {
  return slots.flatMap(({ work, slot, jobs }) =>
    slot.attempts
      .filter(({ certainty }) => certainty === 'unknown')
      .map((attempt) => {
        const job = jobs.find(({ attempts }) => attempts.includes(attempt))?.job;
        return {
          workId: work.workId,
          slot: slot.slot,
          provider: attempt.provider,
          endpoint: attempt.endpoint,
          startedAt: attempt.startedAt,
          seconds: attempt.seconds,
          code: attempt.errorCode ?? attempt.errorClass ?? 'unknown',
          atRiskUsd: attempt.atRiskUsd ?? 0,
          accepted: job !== undefined,
          chargedUsd: job?.chargedUsd ?? 0,
          cause: stoppedByUs(attempt) ?? causeOf(attempt, work.workId, disruptions),
        };
      }),
  );
}

/** Who loses a race is told to stop; a provider without names cannot say what that came to. */
function stoppedByUs({ errorCode, provider, startedAt }: AttemptRecord): Disruption | undefined {
  if (errorCode !== overtakenCode) return undefined;
  const detail = 'stopped by us: another provider was faster';
  return { kind: 'race', at: Date.parse(startedAt), target: provider, detail };
}

/** Disruptions are noted when their effect is known to us: a moment late. */
const slackMs = 2_000;

/**
 * The one that fits best, of those after which a call can end like this one: a call that was never heard of again died with
 * its worker, which Temporal notices only at the heartbeat timeout. Else a fault aimed at this very request, what took the
 * provider away or gave it back right before the end, or the row of refusals that began last.
 */
function causeOf(
  attempt: AttemptRecord,
  workId: string,
  disruptions: readonly Disruption[],
): Disruption | undefined {
  const startedAt = Date.parse(attempt.startedAt) - slackMs;
  const endedAt = Date.parse(attempt.startedAt) + attempt.seconds * 1000 + slackMs;
  const possible = disruptions.filter((one) => canEndLike(one, attempt)).toSorted((a, b) => a.at - b.at);
  const meanwhile = possible.filter(({ at }) => at >= startedAt && at <= endedAt);
  const kill =
    meanwhile.find(({ kind, target }) => kind === 'kill' && target.startsWith('worker')) ??
    meanwhile.find(({ kind, isEnd }) => kind === 'partition' && isEnd !== true) ??
    meanwhile.find(({ kind }) => kind === 'kill');
  return (
    kill ??
    meanwhile.find((one) => one.workId === workId) ??
    meanwhile.findLast(({ kind, at }) => isTakenAway(kind) && at >= endedAt - 3 * slackMs) ??
    possible.findLast(({ at, until }) => until !== undefined && at <= endedAt && until >= startedAt)
  );
}

function isTakenAway(kind: Disruption['kind']): boolean {
  return kind === 'outage' || kind === 'hang';
}

/** No answer was read, or not all of it: the connection broke. */
const brokenCodes: readonly (AttemptErrorCode | undefined)[] = [
  'no_answer',
  'connection_lost',
  'body_cut_off',
  'body_stalled',
  'deadline_exceeded',
  'submit_unconfirmed',
];
/** The worker was gone, or could not tell Temporal. */
const killedCodes: readonly (AttemptErrorCode | undefined)[] = [
  'activity_timed_out',
  'internal_error',
  'outcome_unknown',
];

/** What a fault can make of a call whose outcome is then unknown; faults that are not here leave no doubt. */
const codesOfFault: Partial<Record<FaultName, readonly (AttemptErrorCode | undefined)[]>> = {
  submit_lost: brokenCodes,
  put_lost_before_claim: brokenCodes,
  put_lost_after_claim: brokenCodes,
  late_put: brokenCodes,
  gateway_dies_before_spawn: brokenCodes,
  reset_before_headers: brokenCodes,
  reset_mid_body: brokenCodes,
  accepted_504: ['gateway_timeout', 'submit_unconfirmed'],
  accepted_502: ['bad_gateway', 'submit_unconfirmed'],
  http_503: ['unavailable', 'submit_unconfirmed'],
  plain_500: ['container_crashed'],
  empty_200: ['media_empty'],
  html_200: ['media_not_media'],
};

function canEndLike(
  { kind, target, fault, isEnd }: Disruption,
  { provider, errorCode }: AttemptRecord,
): boolean {
  if (kind === 'partition') return killedCodes.includes(errorCode);
  if (kind === 'kill') return target !== 'api' && killedCodes.includes(errorCode);
  if (target !== provider) return false;
  if (fault !== undefined) return codesOfFault[fault]?.includes(errorCode) === true;
  // The end of an outage cuts nothing off; the end of a hang resets who hung.
  return (kind === 'hang' || isEnd !== true) && brokenCodes.includes(errorCode);
}
