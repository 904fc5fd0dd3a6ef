import type { ConsideredModel } from '../plan-route';
import type { RefusalIssue } from '../refusal';
import type { RouteRequest } from '../routing/route-request';

/** Why no candidate is left: a picture that is too large, this deployment's configuration, else the request as a whole. */
export function noRouteIssue(considered: readonly ConsideredModel[], request: RouteRequest): RefusalIssue {
  const tooLarge = considered
    .map(({ ineligibility }) => ineligibility)
    .find((one) => one?.code === 'input_too_large');
  if (tooLarge?.field !== undefined) {
    const message = `${tooLarge.reason}, and no other endpoint may serve this request; send a smaller picture`;
    return { field: tooLarge.field, code: tooLarge.code, message };
  }
  const disabled = considered.filter(({ ineligibility }) => ineligibility?.code === 'provider_disabled');
  if (disabled.length > 0) {
    const reasons = new Set(disabled.map(({ candidate }) => candidate.reason));
    return {
      field: 'providers',
      code: 'provider_disabled',
      message: `every provider that may serve this is switched off in the configuration: ${[...reasons].join('; ')}`,
    };
  }
  const reasons = considered.map(({ candidate }) => `${candidate.modelId}: ${candidate.reason}`);
  return {
    field: blamedField(request),
    code: 'no_route',
    message: `no endpoint may serve this request. ${reasons.join('; ')}`,
  };
}

/** The field most likely to be the way out. */
function blamedField({ preference, settings }: RouteRequest): string {
  if (preference.model !== undefined) return 'modelId';
  if (preference.strict === true) return 'modelProvider';
  return settings.lora === undefined ? 'mode' : 'loraId';
}
