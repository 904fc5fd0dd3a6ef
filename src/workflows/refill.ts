import type { GenerateMediaFailure } from '../domain/dispatch';
import type { StoredAsset } from '../domain/stored-asset';
import type { SlotState } from '../domain/generation';
import { looksAlike } from '../domain/looks-alike';
import type { PlannedCandidate } from '../domain/plan';
import type { Verdict } from './judge';
import { fitsTheSet, type SlotContext } from './slot-context';

/** Why the set has no use for a picture that was made and paid. */
export interface PictureProblem {
  code: 'duplicate' | 'incoherent';
  message: string;
}

/** Larger than any set, so that a new seed is never another slot's. */
const seedStride = 7919;

const badPictures: readonly string[] = ['media_blank', 'media_wrong_size'];

/** A picture came, and another seed may give a better one. */
export function isBadPicture({ code }: GenerateMediaFailure): boolean {
  return badPictures.includes(code);
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
  if (typeof parameters['seed'] !== 'number') return candidate;
  return { ...candidate, parameters: { ...parameters, seed } };
}

export function pictureProblem(
  context: SlotContext,
  candidate: PlannedCandidate,
  asset: StoredAsset,
): PictureProblem | undefined {
  const { run, slot } = context;
  const { rules } = run.plan;
  if (!fitsTheSet(context, candidate)) {
    const [engine] = run.state.engines;
    return {
      code: 'incoherent',
      message: `The set is made by ${String(engine)}; this picture came from ${candidate.endpoint}.`,
    };
  }
  const twin = rules.distinct
    ? run.state.slots.find((other) => other !== slot && isTwin(other, asset))
    : undefined;
  if (twin === undefined) return undefined;
  return { code: 'duplicate', message: `The picture is the same as that of slot ${String(twin.slot)}.` };
}

function isTwin({ asset: other }: SlotState, asset: StoredAsset): boolean {
  if (other === undefined) return false;
  if (other.assetId === asset.assetId) return true;
  const [one, two] = [other.perceptualHash, asset.perceptualHash];
  return one !== undefined && two !== undefined && looksAlike(one, two);
}
