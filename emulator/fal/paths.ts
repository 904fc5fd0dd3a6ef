import { falEndpoints, type FalEndpoint } from './endpoints';

/** `owner/alias`, all that status, result and cancel URLs hold of an endpoint id. */
export function basePath(endpointId: string): string {
  const segments = endpointId.split('/');
  const namespaced = segments[0] === 'workflows' || segments[0] === 'comfy';
  return segments.slice(0, namespaced ? 3 : 2).join('/');
}

export function findEndpoint(id: string): FalEndpoint | undefined {
  return falEndpoints.find((endpoint) => endpoint.id === id);
}

/** A request URL taken apart. `exact` is false when it holds more than `owner/alias`. */
export function parseRequestPath(
  path: string,
): { base: string; exact: boolean; requestId: string; action: string } | undefined {
  const segments = path.split('/');
  const index = segments.indexOf('requests');
  const requestId = segments[index + 1];
  if (index < 1 || requestId === undefined || requestId === '') return undefined;
  const base = segments.slice(0, index).join('/');
  return { base, exact: basePath(base) === base, requestId, action: segments.slice(index + 2).join('/') };
}
