import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { GenerationInput, GenerationState, GenerationStatus } from '../domain/generation';
import type { GenerationPlan } from '../domain/plan';
import { generationStatusAttribute, providerAttribute } from '../domain/search-attributes';
import { planRoutes } from './activity-options';
import { detailsTable } from './details';
import { openRun, pendingSlot, roundUsd, type GenerationRun } from './generation-run';
import { progressQuery } from './messages';
import { Projection } from './projection';
import { runSlot } from './run-slot';

/**
 * What all three flows share: choose the endpoints, run every slot in parallel, keep the state readable, and end as
 * completed, partial or failed. A cancelled run keeps the pictures it has and ends as cancelled.
 *
 * @throws CancelledFailure when the run was cancelled; the state is saved first.
 */
export async function runGeneration(input: GenerationInput): Promise<GenerationState> {
  const run = openRun(input, new Date().toISOString());
  setHandler(progressQuery, () => run.state);
  const projection = new Projection(run);
  run.changed = () => {
    show(run);
  };
  run.save = () => {
    announceWaiting(run);
    projection.touch();
  };

  if (await choosePlan(run)) {
    run.save();
    await runSlots(run);
  }
  end(run);
  await projection.flush();
  if (run.state.status === 'cancelled') throw new CancelledFailure('Cancelled by the caller.');
  return run.state;
}

/** Returns whether there is a plan; a refused or cancelled run has none. */
async function choosePlan(run: GenerationRun): Promise<boolean> {
  try {
    adoptPlan(run, await planRoutes(run.input));
    return true;
  } catch (error) {
    if (isCancellation(error)) {
      run.state.error = { code: 'cancelled', message: 'Cancelled by the caller.' };
      return false;
    }
    const cause = error instanceof ActivityFailure ? error.cause : undefined;
    if (!(cause instanceof ApplicationFailure) || cause.type !== 'request_refused') throw error;
    run.state.error = { code: 'input', message: cause.message };
    return false;
  }
}

function adoptPlan(run: GenerationRun, plan: GenerationPlan): void {
  run.plan = plan;
  const deadline = Date.parse(run.state.startedAt) + plan.deadlineSeconds * 1000;
  run.state.deadlineAt = new Date(deadline).toISOString();
  run.state.slots = plan.slots.map(pendingSlot);
  run.changed();
}

async function runSlots(run: GenerationRun): Promise<void> {
  let unfinished = run.plan.slots.length;
  await Promise.all(
    run.plan.slots.map(async (plan, index) => {
      const slot = run.state.slots[index];
      if (slot === undefined) return;
      await runSlot(run, plan, slot);
      unfinished -= 1;
      // The last slot's end is saved with the run's own.
      if (unfinished > 0) run.save();
    }),
  );
}

function end(run: GenerationRun): void {
  const { state } = run;
  state.status = finalStatus(state);
  state.finishedAt = new Date().toISOString();
  run.changed();
  const makers = state.slots.flatMap(({ asset, provider }) => (asset && provider ? [provider] : []));
  upsertSearchAttributes([
    { key: generationStatusAttribute, value: state.status },
    { key: providerAttribute, value: [...new Set(makers)] },
  ]);
}

function finalStatus({ slots, error }: GenerationState): GenerationStatus {
  if (error?.code === 'cancelled') return 'cancelled';
  if (slots.some(({ status }) => status === 'cancelled')) return 'cancelled';
  const completed = slots.filter(({ status }) => status === 'completed').length;
  if (completed === 0) return 'failed';
  return completed === slots.length ? 'completed' : 'partial';
}

function show({ state }: GenerationRun): void {
  state.revision += 1;
  state.costUsd = roundUsd(state.slots.reduce((sum, { costUsd }) => sum + costUsd, 0));
  state.costEstimated = state.slots.some(({ costEstimated }) => costEstimated);
  setCurrentDetails(detailsTable(state));
}

/** On-call finds every run that waits for a provider by one search. */
function announceWaiting(run: GenerationRun): void {
  const isWaiting = run.state.slots.some(({ status }) => status === 'waiting');
  if (isWaiting === run.isAnnouncedWaiting) return;
  run.isAnnouncedWaiting = isWaiting;
  upsertSearchAttributes([{ key: generationStatusAttribute, value: isWaiting ? 'waiting' : 'running' }]);
}
