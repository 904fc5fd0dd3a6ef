import {
  CancelledFailure,
  CancellationScope,
  continueAsNew,
  setCurrentDetails,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import {
  providersOf,
  type GenerationError,
  type GenerationInput,
  type GenerationState,
  type GenerationStatus,
  type SlotState,
} from '../../domain/generation';
import { roundUsd } from '../../domain/round-usd';
import { generationStatusAttribute, providerAttribute } from '../../domain/search-attributes';
import { cleanUp } from '../slot/clean-up';
import { detailsTable } from './details';
import { openRun, stateOf, type GenerationRun } from './generation-run';
import { handleMessages } from './handle-messages';
import { Projection } from './projection';
import { statusOfSet } from './rules';
import { endSlot, runSlot } from '../slot/run-slot';
import { Slot } from '../slot/slot';

/**
 * What all three flows share: run every slot of the plan in parallel, keep the state readable, and end as completed, partial
 * or failed. A cancelled run keeps the pictures it has and ends as cancelled.
 *
 * @throws CancelledFailure when the run was cancelled; the state is saved first.
 */
export async function runGeneration(input: GenerationInput): Promise<GenerationState> {
  const run = openRun(input, new Date().toISOString());
  CancellationScope.current().cancelRequested.catch(() => (run.isCancelled = true));
  // A cancelled run stops its calls itself, waits for what they cost, and saves it.
  return await CancellationScope.nonCancellable(() => toItsEnd(run));
}

async function toItsEnd(run: GenerationRun): Promise<GenerationState> {
  const slots = openSlots(run);
  handleMessages(run, slots);
  const projection = new Projection(run);
  run.changed = () => {
    show(run);
  };
  run.announce = () => {
    announce(run);
  };
  run.save = () => {
    announce(run);
    projection.touch();
  };
  run.wakeWaiting = () => {
    for (const slot of slots) slot.wake();
  };

  run.changed();
  // A limit of the job counts what runs before a reset may have paid: only the answer to a save tells.
  if (run.input.resumed !== undefined || run.plan.rules.maxCostUsd !== undefined) run.save();
  slots.forEach(cleanUp);
  await runSlots(run, slots, projection);
  if (isUnfinished(run)) await goOnInNewRun(run, slots, projection);
  if (run.state.finishedAt === undefined) end(run);
  await projection.flush();
  if (run.cleanUps.length > 0) {
    await cleanedUp(run);
    if (isUnsettled(run) && run.isResting) await goOnInNewRun(run, slots, projection);
    await projection.flush();
  }
  if (run.state.status === 'cancelled') throw new CancelledFailure('Cancelled by the caller.');
  return stateOf(run);
}

async function runSlots(run: GenerationRun, slots: readonly Slot[], projection: Projection): Promise<void> {
  await Promise.all(
    slots.map(async (slot) => {
      if (slot.isFinished()) return;
      await runSlot(slot);
      // The last slot's end is saved with the run's own.
      if (isUnfinished(run)) projection.touchSparingly();
    }),
  );
}

function openSlots(run: GenerationRun): Slot[] {
  return run.plan.slots.flatMap((plan, index) => {
    const state = run.state.slots[index];
    return state === undefined ? [] : [new Slot(run, plan, state)];
  });
}

/** A slot that ends late may begin another clean-up. */
async function cleanedUp({ cleanUps }: GenerationRun): Promise<void> {
  while (cleanUps.length > 0) await Promise.all(cleanUps.splice(0));
}

function isUnsettled(run: GenerationRun): boolean {
  return unsettledJobs(run) > 0;
}

/** Jobs of which nobody knows yet what they cost. */
function unsettledJobs({ ledgers }: GenerationRun): number {
  return [...ledgers.values()].flatMap(({ jobs }) => jobs.filter(({ fate }) => fate === 'given_up')).length;
}

function isUnfinished({ state }: GenerationRun): boolean {
  return state.slots.some(({ finishedAt }) => finishedAt === undefined);
}

/**
 * A history has an end, an outage may not: every slot is waiting now, or ended, so the rest gets a fresh history. What the
 * database does not know yet goes along: a database that is away holds up no deadline.
 */
async function goOnInNewRun(
  run: GenerationRun,
  slots: readonly Slot[],
  projection: Projection,
): Promise<void> {
  const { input, state, ledgers, reservedUsd, forgottenUsd, announced, notBefore } = run;
  if (run.isCancelled && isUnfinished(run)) {
    for (const slot of slots) if (!slot.isFinished()) endSlot(slot, 'cancelled');
    return;
  }
  await continueAsNew<(next: GenerationInput) => Promise<GenerationState>>({
    ...input,
    reservedUsd,
    resumed: {
      ...{ state, ledgers: [...ledgers.values()], forgottenUsd, announced },
      unsaved: projection.unsaved(),
      notBefore: Object.fromEntries(notBefore),
    },
  });
}

function end(run: GenerationRun): void {
  run.state.status = finalStatus(run);
  if (run.state.status === 'failed') run.state.error ??= tooFewPictures(run);
  run.state.finishedAt = new Date().toISOString();
  run.changed();
  announce(run);
}

function tooFewPictures({ state: { slots }, plan }: GenerationRun): GenerationError {
  const made = slots.filter(({ status }) => status === 'completed').length;
  const first = slots.find(({ error }) => error !== undefined);
  const why = first === undefined ? '' : ` Slot ${first.slot}: ${first.error?.message ?? 'unknown'}`;
  const { minSuccess } = plan.rules;
  return {
    code: 'min_success_missed',
    message: `${made} of ${slots.length} pictures were made, and minSuccess is ${minSuccess}.${why}`,
  };
}

function finalStatus({ state: { slots, error }, plan }: GenerationRun): GenerationStatus {
  const completed = slots.filter(({ status }) => status === 'completed').length;
  const isCancelled = error?.code === 'cancelled' || slots.some(({ status }) => status === 'cancelled');
  return statusOfSet({ slots: slots.length, completed, isCancelled, minSuccess: plan.rules.minSuccess });
}

function show(run: GenerationRun): void {
  const { state } = run;
  state.revision = Math.max(state.revision + 1, Date.now());
  state.costUsd = roundUsd(state.slots.reduce((sum, { costUsd }) => sum + costUsd, 0));
  state.costEstimated = state.slots.some(({ costEstimated }) => costEstimated);
  state.atRiskUsd = roundUsd(state.slots.reduce((sum, { atRiskUsd }) => sum + atRiskUsd, 0));
  state.engines = enginesOf(state);
  const unsettled = unsettledJobs(run);
  if (unsettled > 0) state.unsettledJobs = unsettled;
  else delete state.unsettledJobs;
  setCurrentDetails(detailsTable(state));
}

/**
 * Search attributes, changed only where somebody would search for it: on-call finds what waits, and what runs at a provider.
 * Each change costs an action, so that a run without events changes none.
 */
function announce(run: GenerationRun): void {
  const { status, slots } = run.state;
  const needs = (wanted: SlotState['status']): boolean => slots.some((slot) => slot.status === wanted);
  // Once it has waited it counts as waiting until it ends: each change back would cost an action.
  const hasWaited = slots.some(({ waiting }) => waiting !== undefined);
  const open = needs('needs_decision') ? 'needs_decision' : hasWaited ? 'waiting' : 'running';
  const now = { status: status === 'running' ? open : status, providers: providersOf(slots) };
  const { announced } = run;
  const isUsual = announced.status === undefined && ['running', 'completed'].includes(now.status);
  const changed = [
    ...(isUsual || now.status === announced.status
      ? []
      : [{ key: generationStatusAttribute, value: now.status }]),
    ...(now.providers.join() === announced.providers.join()
      ? []
      : [{ key: providerAttribute, value: now.providers }]),
  ];
  if (changed.length === 0) return;
  run.announced = { ...now, ...(isUsual && { status: undefined }) };
  upsertSearchAttributes(changed);
}

/** What made the finished pictures, in order of the slots. */
function enginesOf({ slots }: GenerationState): string[] {
  const made = slots.flatMap(({ status, endpoint }) =>
    status === 'completed' && endpoint !== undefined ? [endpoint] : [],
  );
  return [...new Set(made)];
}
