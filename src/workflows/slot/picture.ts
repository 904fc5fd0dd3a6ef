import type { SlotState } from '../../domain/generation';
import { looksAlike } from '../../domain/looks-alike';
import type { PlannedCandidate } from '../../domain/plan';
import type { StoredAsset } from '../../domain/stored-asset';
import { engineOf, type GenerationRun } from '../generation/generation-run';
import type { PictureProblem } from './rules/apply';

/** The candidate as planned, with the seed the slot has by now. */
export function withSeed(candidate: PlannedCandidate, seed: number): PlannedCandidate {
  const { parameters } = candidate;
  if (!isSeeded(candidate)) return candidate;
  return { ...candidate, parameters: { ...parameters, seed } };
}

export function pictureProblem(
  run: GenerationRun,
  slot: SlotState,
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
