import type { AttemptRecord } from '../../../src/domain/attempt-record';
import type { Disruption } from './evidence';
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
          cause: causeOf(attempt, work.workId, disruptions),
        };
      }),
  );
}

/** Disruptions are noted when their effect is known to us: a moment late. */
const slackMs = 2_000;

/**
 * A call that was never heard of again died with its worker, which Temporal notices only at the heartbeat timeout. Else a
 * cut that was aimed at this very request, what else cut its connection off, right before its end, or another fault aimed
 * at it.
 */
function causeOf(
  attempt: AttemptRecord,
  workId: string,
  disruptions: readonly Disruption[],
): Disruption | undefined {
  const startedAt = Date.parse(attempt.startedAt) - slackMs;
  const endedAt = Date.parse(attempt.startedAt) + attempt.seconds * 1000 + slackMs;
  const meanwhile = disruptions
    .filter(({ at }) => at >= startedAt && at <= endedAt)
    .toSorted((a, b) => a.at - b.at);
  const kill =
    meanwhile.find(({ kind, target }) => kind === 'kill' && target === 'worker') ??
    meanwhile.find(({ kind, target }) => kind === 'kill' && target === 'temporal');
  if (attempt.errorCode === 'activity_timed_out' && kill !== undefined) return kill;
  const atProvider = meanwhile.filter(({ kind, target }) => kind !== 'kill' && target === attempt.provider);
  const aimed = atProvider.filter((one) => one.workId === workId);
  return (
    aimed.findLast(({ kind }) => kind === 'cut') ??
    atProvider.findLast(({ kind, at }) => cutting.has(kind) && at >= endedAt - 3 * slackMs) ??
    aimed.at(-1) ??
    spellBehind(attempt, endedAt, disruptions) ??
    kill
  );
}

/** How long the refusals of a spell may take to strike as often as they shall. */
const spellMs = 60_000;

const withoutAnswer: readonly string[] = [
  'activity_timed_out',
  'connection_lost',
  'internal_error',
  'outcome_unknown',
];

/** A gateway's answer comes from the row of refusals that began last, not from a kill. */
function spellBehind(
  { provider, errorCode }: AttemptRecord,
  endedAt: number,
  disruptions: readonly Disruption[],
): Disruption | undefined {
  if (errorCode === undefined || withoutAnswer.includes(errorCode)) return undefined;
  return disruptions.findLast(
    ({ kind, target, workId, at }) =>
      kind === 'fault' &&
      workId === undefined &&
      target === provider &&
      at <= endedAt &&
      at > endedAt - spellMs,
  );
}

/** Refusals leave no doubt, and a cut strikes the one request it was aimed at. */
const cutting: ReadonlySet<Disruption['kind']> = new Set(['outage', 'hang']);
