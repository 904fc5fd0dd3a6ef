import type { Identity, RouteCandidate } from '../domain/plan';
import { estimatePriceUsd } from './estimate-price';
import { modelById } from './find-model';
import { ignoredSettings } from './parse-wire';
import { ineligibilityOf, isAskedFor, type Ineligibility } from './routing/ineligibility';
import type { RouteRequest } from './routing/route-request';
import { studioOrder } from './routing/studio-order';
import type { ModelDefinition, RoutingContext } from './types';

/** A candidate together with what only the registry needs to know of it. */
export interface ConsideredModel {
  model: ModelDefinition;
  ineligibility: Ineligibility | undefined;
  candidate: RouteCandidate;
}

/**
 * Every place this picture could be made, in the order they are tried; those that may not be used stay in the list
 * with the reason. Pure: asks no provider whether it is up.
 */
export function planRoute(request: RouteRequest, context: RoutingContext): RouteCandidate[] {
  return considerModels(request, context).map(({ candidate }) => candidate);
}

/** `planRoute` with the models themselves. */
export function considerModels(request: RouteRequest, context: RoutingContext): ConsideredModel[] {
  const order = request.order === undefined ? studioOrder(request) : request.order.map(modelById);
  const judged = order.map((model) => ({ model, ineligibility: ineligibilityOf(model, request, context) }));
  const sorted = [
    ...judged.filter((entry) => isWish(entry, request)),
    ...judged.filter((entry) => !isWish(entry, request)),
  ];
  const firstEligible = sorted.findIndex(({ ineligibility }) => ineligibility === undefined);
  return sorted.map(({ model, ineligibility }, index) => {
    const reason = ineligibility?.reason ?? eligibleReason(model, request, index === firstEligible);
    return {
      model,
      ineligibility,
      candidate: candidateOf(model, request, ineligibility === undefined, reason),
    };
  });
}

/** A provider the caller wants goes first where it can serve; a named model goes first anyway (see `studioOrder`). */
function isWish(
  { model, ineligibility }: Omit<ConsideredModel, 'candidate'>,
  { preference }: RouteRequest,
): boolean {
  return ineligibility === undefined && preference.model === undefined && isAskedFor(model, preference);
}

function candidateOf(
  model: ModelDefinition,
  request: RouteRequest,
  eligible: boolean,
  reason: string,
): RouteCandidate {
  return {
    modelId: model.id,
    provider: model.provider,
    endpoint: model.backendId,
    eligible,
    reason,
    identity: identityOf(model, request),
    priceUsd: estimatePriceUsd(model, request.settings),
    typicalSeconds: model.typicalSeconds,
  };
}

function identityOf(model: ModelDefinition, { settings, hasReference }: RouteRequest): Identity {
  if (model.supportsLoRA && settings.lora !== undefined) return 'lora';
  return hasReference && model.inputs.reference !== undefined ? 'reference' : 'none';
}

function eligibleReason(model: ModelDefinition, request: RouteRequest, isFirst: boolean): string {
  const sentences = [positionReason(model, request, isFirst)];
  const ignored = ignoredSettings(model, request.settings);
  if (ignored.length > 0) sentences.push(`has no field for ${ignored.join(', ')}`);
  const { modelPreference } = request.preference;
  if (modelPreference !== undefined && request.settings.lora === undefined) {
    sentences.push(`modelPreference "${modelPreference}" chooses among LoRA endpoints only`);
  }
  return sentences.join('; ');
}

function positionReason(model: ModelDefinition, { preference }: RouteRequest, isFirst: boolean): string {
  if (isAskedFor(model, preference))
    return preference.model === undefined ? 'asked for by modelProvider' : 'asked for by modelId';
  return isFirst ? 'first choice for this request' : 'fallback while the ones before it are out';
}
