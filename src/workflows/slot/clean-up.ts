import { ActivityFailure, CancellationScope, condition, log, workflowInfo } from '@temporalio/workflow';
import type { Settlement, SettleJobResult } from '../../activities/settle-job';
import type { UnsettledJob } from '../../domain/generation';
import type { PlannedCandidate } from '../../domain/plan';
import { settleJob } from '../activity-options';
import { recipeOf } from '../generation/generation-run';
import { withSeed } from './refill';
import { knownRequests } from './slot-call';
import { landed, type SlotContext } from './slot-context';

/** Pauses between two looks at one job: a tenth of the time for which it has been given up. */
const shortestPauseSeconds = 5;
const longestPauseSeconds = 3600;
/** A result at Modal is kept for seven days; after that nobody can learn more. */
const patienceDays = 8;

/**
 * Nobody waits for these jobs any more: each is stopped, or collected where it had ended, and its price settled. Goes on
 * by itself, also after the slot and its set have ended, while the provider is out.
 */
export function cleanUp(context: SlotContext, candidates: PlannedCandidate[] = context.jobs.open()): void {
  for (const candidate of candidates) landed(context, candidate);
  const given = context.jobs.giveUp(candidates);
  if (given.length === 0) return;
  context.run.changed();
  for (const job of given) begin(context, job);
}

/** Goes on with the jobs that an earlier run left unsettled. */
export function resumeCleanUp(context: SlotContext): void {
  for (const job of context.progress.unsettled ?? []) begin(context, job);
}

function begin(context: SlotContext, job: UnsettledJob): void {
  // A cancelled run still cleans up.
  const settling = CancellationScope.nonCancellable(() => settle(context, job));
  context.run.settling.push(settling);
}

async function settle(context: SlotContext, job: UnsettledJob): Promise<void> {
  const { run, plan } = context;
  const planned = plan.candidates.find(({ modelId }) => modelId === job.modelId);
  if (planned === undefined) return;
  const candidate = withSeed(planned, job.seed);
  for (;;) {
    const result = await look(context, candidate, job);
    if (result.kind === 'settled' || isForgotten(job)) {
      finish(context, { candidate, job }, result.kind === 'settled' ? result.settlement : asPaid(candidate));
      return;
    }
    if (isEnded(context)) run.isResting ||= workflowInfo().continueAsNewSuggested;
    await condition(() => run.isResting, pauseSeconds(job) * 1000);
    if (run.isResting) return;
  }
}

function isForgotten(job: UnsettledJob): boolean {
  return ageSeconds(job) > patienceDays * 24 * 3600;
}

function pauseSeconds(job: UnsettledJob): number {
  return Math.min(longestPauseSeconds, Math.max(shortestPauseSeconds, Math.ceil(ageSeconds(job) / 10)));
}

function ageSeconds({ since }: UnsettledJob): number {
  return (Date.now() - Date.parse(since)) / 1000;
}

/** Nobody can tell any more, so it counts as paid. */
function asPaid({ priceUsd }: PlannedCandidate): Settlement {
  return { certainty: 'accepted', costUsd: priceUsd, costEstimated: true };
}

/** Only a run that merely cleans up may rest for it: the others rest while their slots wait. */
function isEnded({ run }: SlotContext): boolean {
  return run.state.finishedAt !== undefined;
}

async function look(
  context: SlotContext,
  candidate: PlannedCandidate,
  job: UnsettledJob,
): Promise<SettleJobResult> {
  const { jobKey, dispatch } = job;
  try {
    return await settleJob({
      candidate,
      jobKey,
      dispatch,
      ...knownRequests(context.slot, candidate, jobKey),
    });
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    log.warn('a job that nobody waits for could not be looked at', { jobKey, error });
    return { kind: 'unsettled', reason: 'no worker could look' };
  }
}

function finish(
  context: SlotContext,
  { candidate, job }: { candidate: PlannedCandidate; job: UnsettledJob },
  settlement: Settlement,
): void {
  const { run, slot, jobs } = context;
  jobs.settle(job, settlement);
  const { asset, costUsd } = settlement;
  if (asset !== undefined) {
    const { provider, endpoint } = candidate;
    const at = new Date().toISOString();
    const extra = { slot: slot.slot, provider, endpoint, seed: job.seed, asset, costUsd, at };
    run.state.extras = [...(run.state.extras ?? []), extra];
    run.unsaved.push({ asset, recipe: recipeOf(run, { ...slot, seed: job.seed }, candidate, settlement) });
  }
  run.changed();
  run.save();
}
