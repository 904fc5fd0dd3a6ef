import type { InputAssets } from '../../domain/requests';
import type { RouteRequest } from './route-request';

/** What a route needs to know of the pictures themselves. */
export function picturesOf({
  reference,
  source,
  mask,
}: InputAssets): Pick<RouteRequest, 'hasReference' | 'hasSource' | 'hasMask' | 'pictureBytes'> {
  return {
    hasReference: reference !== undefined,
    hasSource: source !== undefined,
    hasMask: mask !== undefined,
    pictureBytes: { reference: reference?.bytes, source: source?.bytes, mask: mask?.bytes },
  };
}
