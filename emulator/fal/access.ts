import type { FastifyRequest } from 'fastify';
import type { Answer } from '../http/answer';
import { invalidKey, unauthenticated } from './errors';

/** The 401 of a request without a usable key; `expected` null accepts any key. */
export function denyAccess(request: FastifyRequest, expected: string | null): Answer | undefined {
  const [scheme, key = ''] = (request.headers.authorization ?? '').split(' ');
  if (scheme !== 'Key' || key === '') return unauthenticated;
  return expected === null || key === expected ? undefined : invalidKey;
}

/** How the caller reaches us, from the request itself. */
export function originOf(request: FastifyRequest): string {
  return `http://${request.headers.host ?? 'localhost'}`;
}
