import type { PictureProblemCode } from '../../domain/attempt-record';
import type { GenerateMediaFailure } from '../../domain/dispatch';
import { failureOf } from '../../domain/failures';
import type { StoredAsset } from '../../domain/stored-asset';
import type { SlotState } from '../../domain/generation';
import { looksAlike } from '../../domain/looks-alike';
import type { PlannedCandidate } from '../../domain/plan';
import type { Verdict } from './judge';
import { engineOf } from '../generation/generation-run';
import type { SlotContext } from './slot-context';

/** Why the set has no use for a picture that was made and paid. */
export interface PictureProblem {
  code: PictureProblemCode;
  message: string;
}

/** Larger than any set, so that a new seed is never another slot's. */
const seedStride = 7919;

/**
 * What follows from a job that was paid, or may have been, and gave nothing of use: another one at the same provider while
 * the job has refills left, then the next provider. Who made a bad picture with the last refill is not asked again.
 */
export function afterBadAnswer(
  context: SlotContext,
  candidate: PlannedCandidate,
  { failure, verdict }: { failure: GenerateMediaFailure; verdict: Verdict },
): Verdict {
  const { outcome, dispatch, code } = failure;
  const { class: failureClass, isPictureUnusable } = failureOf(code);
  if (failureClass !== 'corrupt' || outcome === 'nothing_sent' || dispatch.phase !== 'none') return verdict;
  if (!mayRefill(context)) {
    if (isPictureUnusable) spoil(context, candidate);
    return { kind: 'next' };
  }
  if (isPictureUnusable) return refill(context);
  if (verdict.kind === 'again') context.progress.refills += 1;
  return verdict;
}

/** Its pictures are of no use to the slot, and there is no refill left for another one. */
export function isSpoiled({ progress }: SlotContext, { modelId }: PlannedCandidate): boolean {
  return progress.spoiled?.[modelId] === true;
}

function spoil({ progress }: SlotContext, { modelId }: PlannedCandidate): void {
  progress.spoiled = { ...progress.spoiled, [modelId]: true };
}

export function mayRefill({ run, progress }: SlotContext): boolean {
  return progress.refills < run.plan.rules.maxRefills;
}

/** Begins the slot anew with another seed. */
export function refill({ slot, progress }: SlotContext): Verdict {
  progress.refills += 1;
  slot.seed = (slot.seed + seedStride) % 2 ** 32;
  return { kind: 'again', afterSeconds: 0 };
}

/** The candidate as planned, with the seed the slot has by now. */
export function withSeed(candidate: PlannedCandidate, seed: number): PlannedCandidate {
  const { parameters } = candidate;
  if (!isSeeded(candidate)) return candidate;
  return { ...candidate, parameters: { ...parameters, seed } };
}

export function pictureProblem(
  { run, slot }: SlotContext,
  candidate: PlannedCandidate,
  asset: StoredAsset,
): PictureProblem | undefined {
  const { rules } = run.plan;
  const engine = engineOf(run);
  if (rules.coherence === 'required' && engine !== undefined && engine !== candidate.endpoint) {
    return {
      code: 'incoherent',
      message: `The set is made by ${engine}; this picture came from ${candidate.endpoint}.`,
    };
  }
  const isTwin = rules.distinct ? looksTheSame : isSeeded(candidate) ? isTheSame : () => false;
  const others = run.state.slots.filter((other) => other !== slot);
  const twin = [...others, ...(run.plan.set?.pictures ?? [])].find((other) => isTwin(other, asset));
  if (twin === undefined) return undefined;
  return { code: 'duplicate', message: `The picture is the same as that of slot ${String(twin.slot)}.` };
}

/** Another seed must give another picture; what takes no seed gives the same one each time. */
function isSeeded({ parameters }: PlannedCandidate): boolean {
  return typeof parameters['seed'] === 'number';
}

type Picture = Pick<SlotState, 'asset'>;

function isTheSame({ asset: other }: Picture, asset: StoredAsset): boolean {
  return other?.assetId === asset.assetId;
}

function looksTheSame(other: Picture, asset: StoredAsset): boolean {
  return isTheSame(other, asset) || looksAlike(other.asset?.perceptualHash, asset.perceptualHash);
}
