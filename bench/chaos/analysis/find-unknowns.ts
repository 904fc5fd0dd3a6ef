import type { AttemptRecord } from '../../../src/domain/generation';
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

/** A fault that was aimed at this very request; else the last thing that happened to its processes or its provider. */
function causeOf(
  attempt: AttemptRecord,
  workId: string,
  disruptions: readonly Disruption[],
): Disruption | undefined {
  const startedAt = Date.parse(attempt.startedAt);
  const endedAt = startedAt + attempt.seconds * 1000;
  const meanwhile = disruptions
    .filter(({ at }) => at >= startedAt - slackMs && at <= endedAt + slackMs)
    .toSorted((a, b) => a.at - b.at);
  const aimed = meanwhile.findLast((one) => one.workId === workId && one.target === attempt.provider);
  return aimed ?? meanwhile.findLast((one) => one.workId === undefined && concerns(one, attempt));
}

function concerns({ kind, target }: Disruption, { provider }: AttemptRecord): boolean {
  if (kind === 'kill') return target !== 'api';
  return target === provider;
}
