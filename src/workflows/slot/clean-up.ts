import { ActivityFailure, condition, log, workflowInfo } from '@temporalio/workflow';
import type { Settlement, SettleJobResult } from '../../activities/settle-job';
import type { Job } from '../../domain/ledger';
import type { PlannedCandidate } from '../../domain/plan';
import { settleJob } from '../activity-options';
import { learn } from './attempts';
import { withSeed } from './picture';
import type { Slot } from './slot';

/** Pauses between two looks at one job: a tenth of the time for which it has been given up. */
const shortestPauseSeconds = 5;
const longestPauseSeconds = 3600;
/** A result at Modal is kept for seven days; after that nobody can learn more. */
const patienceDays = 8;

/**
 * Nobody waits for these jobs any more: each is stopped, or collected where it had ended, and its price settled. Goes on
 * by itself, also after the slot and its set have ended, while the provider is out.
 */
export function cleanUp(slot: Slot): void {
  for (const job of slot.ledger.jobs) {
    if (job.fate !== 'given_up' || slot.cleaningUp.has(job.key)) continue;
    slot.cleaningUp.add(job.key);
    slot.run.cleanUps.push(settle(slot, job));
  }
}

async function settle(slot: Slot, job: Job): Promise<void> {
  const { run } = slot;
  const candidate = withSeed(slot.candidate(job.endpoint), job.seed);
  for (;;) {
    const result = await look(slot, candidate, job);
    if (result.kind === 'settled' || isForgotten(job)) {
      finish(slot, job, {
        candidate,
        settlement: result.kind === 'settled' ? result.settlement : asPaid(candidate),
      });
      return;
    }
    // Only a run that merely cleans up may rest for it: the others rest while their slots wait.
    if (run.state.finishedAt !== undefined) run.isResting ||= workflowInfo().continueAsNewSuggested;
    await condition(() => run.isResting, pauseSeconds(job) * 1000);
    if (run.isResting) return;
  }
}

function isForgotten(job: Job): boolean {
  return ageSeconds(job) > patienceDays * 24 * 3600;
}

function pauseSeconds(job: Job): number {
  return Math.min(longestPauseSeconds, Math.max(shortestPauseSeconds, Math.ceil(ageSeconds(job) / 10)));
}

function ageSeconds({ givenUpAt = 0 }: Job): number {
  return (Date.now() - givenUpAt) / 1000;
}

/** Nobody can tell any more, so it counts as paid. */
function asPaid({ priceUsd }: PlannedCandidate): Settlement {
  return { certainty: 'accepted', costUsd: priceUsd, costEstimated: true };
}

async function look(slot: Slot, candidate: PlannedCandidate, job: Job): Promise<SettleJobResult> {
  const { key: jobKey, trace: dispatch } = job;
  try {
    return await settleJob({ candidate, jobKey, dispatch, ...slot.knownRequests(candidate, jobKey) });
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    log.warn('a job that nobody waits for could not be looked at', { jobKey, error });
    return { kind: 'unsettled', reason: 'no worker could look' };
  }
}

function finish(
  slot: Slot,
  job: Job,
  { candidate, settlement }: { candidate: PlannedCandidate; settlement: Settlement },
): void {
  const { run, state } = slot;
  const { certainty, asset, costUsd, costEstimated: estimated, billing } = settlement;
  learn(state, job.key, certainty);
  slot.take({
    kind: 'settled',
    key: job.key,
    money: costUsd === 0 ? { kind: 'free' } : { kind: 'cost', usd: costUsd, estimated, billing },
  });
  if (asset !== undefined) slot.keepExtra(candidate, job.seed, { ...settlement, asset });
  run.save();
}
