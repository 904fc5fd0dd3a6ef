import type { FastifyRequest } from 'fastify';
import type { Scope } from '../../domain/access';
import { HttpProblem } from '../http/http-problem';

/** Who asks, and what they may do. */
export interface Principal {
  /** Whose things they see, and who pays. */
  caller: string;
  scopes: ReadonlySet<Scope>;
  /** Left out: a token of an identity provider, or open mode. */
  keyId?: string | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** `null` on public routes, and until the request is let in. */
    principal: Principal | null;
  }
}

/** @throws Error on a public route, where nobody is known: a defect. */
export function principalOf({ principal }: Pick<FastifyRequest, 'principal'>): Principal {
  if (principal === null) throw new Error('this route lets anybody in, so nobody is known');
  return principal;
}

export function callerOf(request: Pick<FastifyRequest, 'principal'>): string {
  return principalOf(request).caller;
}

/** 403 that names the scope, and the way to it. */
export function scopeMissing(scope: Scope, field = 'authorization'): HttpProblem {
  const message = `the scope ${scope} is missing: use a key that has it, or have one made with --scopes ${scope}`;
  return new HttpProblem(403, 'scope_missing', `This is not allowed: ${message}.`, {
    errors: [{ field, code: 'scope_missing', message }],
    extensions: { scope },
    headers: { 'www-authenticate': `${challenge}, error="insufficient_scope", scope="${scope}"` },
  });
}

/** What a 401 and a 403 say about how to log in (RFC 6750). */
export const challenge = 'Bearer realm="ryla-generation"';

/** NSFW pictures need a scope of their own, whichever route makes them. @throws HttpProblem 403 */
export function assertMayMake(request: Pick<FastifyRequest, 'principal'>, { nsfw }: { nsfw: boolean }): void {
  if (nsfw && !principalOf(request).scopes.has('nsfw')) throw scopeMissing('nsfw', '/nsfw');
}
