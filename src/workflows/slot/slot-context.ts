import type { SlotError, SlotProgress, SlotState } from '../../domain/generation';
import type { PlannedCandidate, SlotPlan } from '../../domain/plan';
import type { SlotFailureCode } from '../../domain/taxonomy';
import { engineOf, inFlightKey, wakeSlot, type GenerationRun } from '../generation/generation-run';
import { SlotJobs } from './slot-jobs';
import { SlotWaiting } from './slot-waiting';

/** One slot on its way through its candidates. */
export interface SlotContext {
  run: GenerationRun;
  plan: SlotPlan;
  slot: SlotState;
  progress: SlotProgress;
  jobs: SlotJobs;
  waiting: SlotWaiting;
  /** By model id: why another call there would cost too much. Of this round. */
  tooDear: Map<string, string>;
}

export function openSlot(
  run: GenerationRun,
  plan: SlotPlan,
  slot: SlotState,
  progress: SlotProgress,
): SlotContext {
  const jobs = new SlotJobs(run.state.generationId, plan, slot, progress, run.plan.parking.graceSeconds);
  const waiting = new SlotWaiting(run, slot, progress);
  return { run, plan, slot, progress, jobs, waiting, tooDear: new Map() };
}

export function isOver({ slot }: SlotContext): boolean {
  return slot.finishedAt !== undefined;
}

/** Until the deadline of the job. */
export function remainingSeconds({ run }: Pick<SlotContext, 'run'>): number {
  return (Date.parse(run.state.deadlineAt ?? run.state.startedAt) - Date.now()) / 1000;
}

/**
 * A set that must not mix engines stays with the one that made its first picture, and until there is one with the one
 * that another slot is about to pay.
 */
export function fitsTheSet(context: SlotContext, candidate: PlannedCandidate): boolean {
  const { run, slot } = context;
  if (!fitsItsPictures(context, candidate)) return false;
  if (run.plan.rules.coherence !== 'required' || engineOf(run) !== undefined) return true;
  const claim = [...run.inFlight.values()].find((one) => one.slot !== slot.slot);
  return claim === undefined || claim.endpoint === candidate.endpoint;
}

/** A set that must not mix engines stays with the one that made its first picture. */
export function fitsItsPictures({ run }: SlotContext, { endpoint }: PlannedCandidate): boolean {
  const engine = engineOf(run);
  return run.plan.rules.coherence !== 'required' || engine === undefined || engine === endpoint;
}

/** The submit at this candidate is no longer in flight: its price is known, or at risk. */
export function landed({ run, slot }: SlotContext, candidate: PlannedCandidate): void {
  run.inFlight.delete(inFlightKey(slot.slot, candidate));
}

/** Nobody asks for open jobs for now: what they may cost is at risk. */
export function bookOpenJobs(context: SlotContext): void {
  const open = context.jobs.open();
  context.jobs.bookOpen();
  for (const candidate of open) landed(context, candidate);
}

/** The slot has its picture. */
export function completeSlot(context: SlotContext): void {
  const { run, slot } = context;
  const isFirst = engineOf(run) === undefined;
  slot.status = 'completed';
  endSlot(context);
  // Who could not agree on an engine with the others now can.
  if (!isFirst || run.plan.rules.coherence !== 'required') return;
  for (const { slot: other, status } of run.state.slots) if (status === 'waiting') wakeSlot(run, other);
}

/** The slot ends without a picture. */
export function failSlot(context: SlotContext, error: SlotError): void {
  context.slot.status = 'failed';
  context.slot.error = error;
  endSlot(context);
}

/** The caller no longer wants the slot. */
export function cancelSlot(context: SlotContext): void {
  const { slot } = context;
  slot.status = 'cancelled';
  slot.error = { code: 'cancelled', message: 'Cancelled by the caller.' };
  endSlot(context);
}

/** Names the first thing that went wrong beside the limit that ended the slot. */
export function describeEnd({ slot }: SlotContext, code: SlotFailureCode, message: string): SlotError {
  const first = slot.attempts.find(({ outcome }) => outcome === 'failed');
  if (first === undefined) return { code, message };
  const { provider, message: reason = 'unknown' } = first;
  return { code, provider, message: `${message} First failure: ${reason}` };
}

function endSlot(context: SlotContext): void {
  const { run, slot } = context;
  delete slot.waiting;
  delete slot.decision;
  slot.finishedAt = new Date().toISOString();
  run.changed();
}
