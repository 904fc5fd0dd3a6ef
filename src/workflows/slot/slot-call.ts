import { CancellationScope } from '@temporalio/workflow';
import type { GenerateMediaResult } from '../../domain/dispatch';
import type { SlotState } from '../../domain/generation';
import type { PlannedCandidate } from '../../domain/plan';
import { mediaActivity } from '../activity-options';
import { outcomeOf, type CallOutcome, type MadeCall } from './media-call';
import { landed, remainingSeconds, type SlotContext } from './slot-context';
import { addAttempts, hasDoubts } from './slot-trail';

/** Least time for a worker to take up the look for an open job, also at the deadline. */
const lookSeconds = 60;

/** A call under way, which can be stopped alone. */
export interface SlotCall {
  made: MadeCall;
  scope: CancellationScope;
  outcome: Promise<CallOutcome>;
}

/** Calls a candidate; how it ends is for {@link settle} to write down. */
export function startCall(context: SlotContext, made: MadeCall): SlotCall {
  const { progress, slot } = context;
  progress.calls += 1;
  if (made.previous.phase === 'none')
    progress.seeds = { ...progress.seeds, [made.candidate.modelId]: slot.seed };
  const scope = new CancellationScope();
  const outcome = outcomeOf(
    scope.run(() => generate(context, made)),
    made,
  );
  return { made, scope, outcome };
}

/** Writes down how a call ended: its attempts, what became of its job, and its money. */
export function settle(context: SlotContext, { candidate, previous }: MadeCall, outcome: CallOutcome): void {
  const { slot, jobs } = context;
  addAttempts(slot, outcome.trail);
  if (outcome.kind === 'failed') jobs.note(candidate, previous, outcome.failure);
  // Without a trail the call was cancelled before anybody took it: what was open still is.
  else if (outcome.kind === 'succeeded') jobs.close(candidate);
  else if (outcome.trail.length > 0) jobs.leave(candidate, outcome.dispatch ?? { phase: 'none' });
  if (!jobs.isOpenAt(candidate)) landed(context, candidate);
}

/** The slot's other jobs at this endpoint, by the provider's names. */
export function knownRequests(
  { attempts }: SlotState,
  candidate: PlannedCandidate,
  jobKey: string,
): { knownRequestIds?: string[] } {
  const ids = attempts.flatMap((attempt) => {
    const isOther = attempt.endpoint === candidate.endpoint && attempt.jobKey !== jobKey;
    return isOther && attempt.providerRequestId !== undefined ? [attempt.providerRequestId] : [];
  });
  return ids.length > 0 ? { knownRequestIds: [...new Set(ids)] } : {};
}

function generate(
  context: SlotContext,
  { candidate, jobKey, previous, worker }: MadeCall,
): Promise<GenerateMediaResult> {
  const { run, progress } = context;
  const { generationId, deadlineAt, startedAt } = run.state;
  const { slot } = context.slot;
  const generateMedia = mediaActivity({
    candidate,
    slot,
    call: progress.calls,
    round: progress.rounds,
    worker,
    remainingSeconds: Math.max(remainingSeconds(context), previous.phase === 'none' ? 1 : lookSeconds),
  });
  return generateMedia({
    generationId,
    slot,
    jobKey,
    candidate,
    previous,
    ...knownRequests(context.slot, candidate, jobKey),
    deadlineAt: deadlineAt ?? startedAt,
    ...(run.urged.has(slot) && { isUrged: true }),
    ...(hasDoubts(context.slot) && { asksFirst: true }),
  });
}
