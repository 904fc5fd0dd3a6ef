import type { PlannedCandidate, SlotPlan, WireInput } from '../../domain/plan';
import type { InputAssets } from '../../domain/requests';
import { leastUpscaledSize } from '../expected-size';
import { parseWire } from '../parse-wire';
import { considerModels, type ConsideredModel } from '../plan-route';
import { RequestRefused } from '../refusal';
import type { RouteRequest } from '../routing/route-request';
import type { ModelDefinition, RoutingContext, SlotSettings } from '../types';
import { noRouteIssue } from './no-route-issue';

export interface SlotRequest {
  /** 1-based. */
  slot: number;
  label: string;
  assets: InputAssets;
  route: RouteRequest;
}

/** One slot with every candidate that may serve it, ready for the wire. @throws RequestRefused when there is none. */
export function planSlot({ slot, label, assets, route }: SlotRequest, context: RoutingContext): SlotPlan {
  const considered = considerModels(route, context);
  const eligible = considered.filter(({ ineligibility }) => ineligibility === undefined);
  if (eligible.length === 0) throw new RequestRefused([noRouteIssue(considered, route)]);
  return {
    slot,
    label,
    seed: route.settings.seed,
    candidates: eligible.map((entry) => plannedCandidate(entry, route.settings, assets)),
    considered: considered.map(({ candidate }) => candidate),
  };
}

/** Distinct seeds for the slots of one generation, wrapping at 32 bits. `slot` is 1-based. */
export function slotSeed(firstSeed: number, slot: number): number {
  return (firstSeed + slot - 1) % 2 ** 32;
}

function plannedCandidate(
  { model, candidate }: ConsideredModel,
  settings: SlotSettings,
  assets: InputAssets,
): PlannedCandidate {
  const wire = parseWire(model, settings);
  if (!wire.ok) throw new Error(`${model.id} was found eligible for a body it refuses: ${wire.problem}`);
  return {
    ...candidate,
    app: model.app,
    parameters: wire.parameters,
    inputs: wireInputs(model, assets),
    mediaKind: model.mediaKind,
    leastSize: leastUpscaledSize(model, wire.parameters, settings),
    slowAfterSeconds: model.typicalSeconds * slowFactor,
    policy: model.policy,
  };
}

/** A call this many times as long as a typical one is slow, as long as nothing was measured. */
const slowFactor = 2;

const pictures = ['reference', 'source', 'mask'] as const;

function wireInputs({ inputs }: ModelDefinition, assets: InputAssets): WireInput[] {
  return pictures.flatMap((picture) => {
    const target = inputs[picture];
    const asset = assets[picture];
    if (target === undefined || asset === undefined) return [];
    return [{ ...target, assetId: asset.assetId, mediaType: asset.mediaType }];
  });
}
