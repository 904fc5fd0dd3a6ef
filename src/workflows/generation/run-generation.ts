import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  CancellationScope,
  continueAsNew,
  isCancellation,
  setCurrentDetails,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type {
  GenerationError,
  GenerationInput,
  GenerationState,
  GenerationStatus,
  SlotState,
} from '../../domain/generation';
import type { ProviderName } from '../../domain/taxonomy';
import type { GenerationPlan } from '../../domain/plan';
import { roundUsd } from '../../domain/round-usd';
import { generationStatusAttribute, providerAttribute } from '../../domain/search-attributes';
import { planRoutes } from '../activity-options';
import { cleanUp, resumeCleanUp } from '../slot/clean-up';
import { detailsTable } from './details';
import { freshProgress, openRun, pendingSlot, stateOf, type GenerationRun } from './generation-run';
import { handleMessages } from './handle-messages';
import { Projection } from './projection';
import { runSlot } from '../slot/run-slot';
import { cancelSlot, openSlot, type SlotContext } from '../slot/slot-context';

/**
 * What all three flows share: choose the endpoints, run every slot in parallel, keep the state readable, and end as
 * completed, partial or failed. A cancelled run keeps the pictures it has and ends as cancelled.
 *
 * @throws CancelledFailure when the run was cancelled; the state is saved first.
 */
export async function runGeneration(input: GenerationInput): Promise<GenerationState> {
  const run = openRun(input, new Date().toISOString());
  handleMessages(run);
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

  if (input.resumed === undefined && (await choosePlan(run))) run.save();
  if (run.unsaved.length > 0) run.save();
  const slots = openSlots(run);
  slots.forEach(resumeCleanUp);
  await runSlots(run, slots);
  if (isUnfinished(run)) await goOnInNewRun(run, projection);
  if (run.state.finishedAt === undefined) end(run);
  await projection.flush();
  await cleanedUp(run);
  if (isUnsettled(run) && run.isResting) await goOnInNewRun(run, projection);
  await projection.flush();
  if (run.state.status === 'cancelled') throw new CancelledFailure('Cancelled by the caller.');
  return stateOf(run);
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
  run.progress = plan.slots.map(freshProgress);
  run.changed();
}

async function runSlots(run: GenerationRun, slots: SlotContext[]): Promise<void> {
  await Promise.all(
    slots.filter(isUnfinishedSlot).map(async (slot) => {
      await runSlot(slot);
      // The last slot's end is saved with the run's own.
      if (isUnfinished(run)) run.save();
    }),
  );
}

function openSlots(run: GenerationRun): SlotContext[] {
  return run.plan.slots.flatMap((plan, index) => {
    const [slot, progress] = [run.state.slots[index], run.progress[index]];
    return slot === undefined || progress === undefined ? [] : [openSlot(run, plan, slot, progress)];
  });
}

function isUnfinishedSlot({ slot }: SlotContext): boolean {
  return slot.finishedAt === undefined;
}

/** A slot that ends late may begin another clean-up. */
async function cleanedUp({ settling }: GenerationRun): Promise<void> {
  while (settling.length > 0) await Promise.all(settling.splice(0));
}

function isUnsettled({ progress }: GenerationRun): boolean {
  return progress.some(({ unsettled = [] }) => unsettled.length > 0);
}

function isUnfinished({ state }: GenerationRun): boolean {
  return state.slots.some(({ finishedAt }) => finishedAt === undefined);
}

/**
 * A history has an end, an outage may not: every slot is waiting now, or ended, so the rest gets a fresh history. What the
 * database does not know yet goes along: a database that is away holds up no deadline.
 */
async function goOnInNewRun(run: GenerationRun, projection: Projection): Promise<void> {
  const { input, state, plan, progress, reservedUsd, forgottenUsd, urged, notBefore } = run;
  if (CancellationScope.current().consideredCancelled && isUnfinished(run)) {
    for (const slot of openSlots(run).filter(isUnfinishedSlot)) {
      cancelSlot(slot);
      cleanUp(slot);
    }
    return;
  }
  await continueAsNew<(next: GenerationInput) => Promise<GenerationState>>({
    ...input,
    reservedUsd,
    resumed: {
      ...{ state, plan, progress, forgottenUsd },
      unsaved: projection.unsaved(),
      urged: [...urged],
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
  if (error?.code === 'cancelled') return 'cancelled';
  if (slots.some(({ status }) => status === 'cancelled')) return 'cancelled';
  const completed = slots.filter(({ status }) => status === 'completed').length;
  if (completed > 0 && completed === slots.length) return 'completed';
  return completed >= plan.rules.minSuccess ? 'partial' : 'failed';
}

function show({ state, progress }: GenerationRun): void {
  state.revision = Math.max(state.revision + 1, Date.now());
  state.costUsd = roundUsd(state.slots.reduce((sum, { costUsd }) => sum + costUsd, 0));
  state.costEstimated = state.slots.some(({ costEstimated }) => costEstimated);
  state.atRiskUsd = roundUsd(state.slots.reduce((sum, { atRiskUsd }) => sum + atRiskUsd, 0));
  state.engines = enginesOf(state);
  const unsettled = progress.reduce((sum, { unsettled: jobs = [] }) => sum + jobs.length, 0);
  if (unsettled > 0) state.unsettledJobs = unsettled;
  else delete state.unsettledJobs;
  setCurrentDetails(detailsTable(state));
}

/** Search attributes: on-call finds by one search what runs at a provider, and what waits for one. */
function announce(run: GenerationRun): void {
  const { status, slots } = run.state;
  const needs = (wanted: SlotState['status']): boolean => slots.some((slot) => slot.status === wanted);
  const open = needs('needs_decision') ? 'needs_decision' : needs('waiting') ? 'waiting' : 'running';
  const statusValue = status === 'running' ? open : status;
  const providers = [...new Set(slots.flatMap(providersOf))];
  const announced = JSON.stringify([statusValue, providers]);
  if (announced === run.announced) return;
  run.announced = announced;
  upsertSearchAttributes([
    { key: generationStatusAttribute, value: statusValue },
    { key: providerAttribute, value: providers },
  ]);
}

/** What made the finished pictures, in order of the slots. */
function enginesOf({ slots }: GenerationState): string[] {
  const made = slots.flatMap(({ status, endpoint }) =>
    status === 'completed' && endpoint !== undefined ? [endpoint] : [],
  );
  return [...new Set(made)];
}

/** Every provider that was asked; before the first call the one that will be. */
function providersOf({ attempts, provider, racing, considered }: SlotState): ProviderName[] {
  const asked = [...attempts, ...(racing === undefined ? [] : [racing])].map((one) => one.provider);
  const next = provider ?? considered.find(({ eligible }) => eligible)?.provider;
  return next === undefined ? asked : [...asked, next];
}
