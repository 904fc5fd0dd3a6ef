import type { FastifyRequest } from 'fastify';
import type { Answer } from '../http/answer';
import type { EmulatorSettings } from '../settings';
import { invalidCredentials, missingCredentials } from './errors';

/** The 401 of a request without the proxy credentials that are asked for. */
export function denyAccess(
  request: FastifyRequest,
  expected: EmulatorSettings['proxyAuth'],
): Answer | undefined {
  if (expected === null) return undefined;
  const { 'modal-key': key, 'modal-secret': secret } = request.headers;
  if (key === undefined || secret === undefined) return missingCredentials;
  return key === expected.key && secret === expected.secret ? undefined : invalidCredentials;
}
