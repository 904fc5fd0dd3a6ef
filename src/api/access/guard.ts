import type { FastifyRequest } from 'fastify';
import type { Scope } from '../../domain/access';
import { callerSchema, defaultCaller } from '../../domain/requests';
import type { ApiContext, ApiServer } from '../context';
import { HttpProblem } from '../http/http-problem';
import { invalid } from '../http/to-problem';
import { principalOfApiKey } from './api-key';
import { createLimits } from './limits';
import { isOpenedByLink } from './link';
import { createTokenCheck } from './json-web-token';
import { challenge, scopeMissing, type Principal } from './principal';

/** What a route asks of whoever calls it. `public`: nothing, not even a key. `refused`: it is there to say no to anybody. */
export type Access = Scope | 'public' | 'refused';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyInstance {
    /** Every route with what it asks; those that only refuse a method are left out. */
    servedRoutes: ServedRoute[];
  }
}

export interface ServedRoute {
  method: string;
  url: string;
  access: Access;
}

/**
 * Lets requests in, before their bodies are read. Call it before the routes are added.
 *
 * @throws Error where a route does not say whom it lets in: a new one must not be open by oversight.
 */
export function guardRoutes(app: ApiServer, context: ApiContext): void {
  app.decorate('servedRoutes', []);
  app.decorateRequest('principal', null);
  app.decorateRequest('linkEnds', null);
  app.addHook('onRoute', ({ url, method, config }) => {
    const access = config?.access;
    if (access === undefined)
      throw new Error(`the route ${String(method)} ${url} does not say whom it lets in`);
    if (access === 'refused') return;
    for (const one of [method].flat()) app.servedRoutes.push({ method: one, url, access });
  });
  const principalFor = context.access.mode === 'open' ? anybody : createLogin(app, context);
  app.addHook('onRequest', async (request, reply) => {
    const { access } = request.routeOptions.config;
    // Without a route there is nothing to see but the 404.
    if (access === undefined || access === 'public' || access === 'refused') return;
    if (isOpenedByLink(context, request, reply)) return;
    const principal = await principalFor(request);
    request.principal = principal;
    if (!principal.scopes.has(access)) throw scopeMissing(access);
  });
}

const header = 'x-caller-id';
/** Not `admin`: a key that is made while everything is open would stay when it no longer is. */
const openScopes: ReadonlySet<Scope> = new Set(['start', 'read', 'nsfw']);

/** Open mode: whoever comes is whom they say they are. @throws HttpProblem 400 */
function anybody({ headers }: FastifyRequest): Promise<Principal> {
  const parsed = callerSchema.safeParse(headers[header] ?? defaultCaller);
  if (parsed.success) return Promise.resolve({ caller: parsed.data, scopes: openScopes });
  const message = parsed.error.issues[0]?.message ?? 'is not valid';
  throw invalid([{ field: header, code: 'invalid_format', message }]);
}

/** By key or token. @throws HttpProblem 400, 401, 403, 429, or 503 where nobody can say whether a token is genuine */
function createLogin(app: ApiServer, { access, apiKeys }: ApiContext) {
  const limits = createLimits(app, access);
  const principalOfToken = access.jwt === undefined ? undefined : createTokenCheck(access.jwt);
  return async (request: FastifyRequest): Promise<Principal> => {
    const token = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
    const principal =
      token === undefined
        ? undefined
        : ((await principalOfApiKey(apiKeys, token, request.log)) ?? (await principalOfToken?.(token)));
    if (principal === undefined) {
      await limits.assertMayFail(request);
      throw unauthenticated(request);
    }
    // Known from here on, also to the audit table.
    request.principal = principal;
    await limits.assertMayAsk(request);
    assertSameCaller(request, principal);
    return principal;
  };
}

/** One answer for all: it must not tell a revoked key from one that never was. */
function unauthenticated({ headers }: FastifyRequest): HttpProblem {
  const message =
    'send a valid key as "Authorization: Bearer ryla_..."; an operator makes one (npm run keys)';
  const problem = headers.authorization === undefined ? challenge : `${challenge}, error="invalid_token"`;
  return new HttpProblem(401, 'unauthenticated', `Nobody is known by this request: ${message}.`, {
    errors: [{ field: 'authorization', code: 'unauthenticated', message }],
    headers: { 'www-authenticate': problem },
  });
}

/** The header says who pays only where nothing else does. One that is ignored would make somebody else pay unnoticed. */
function assertSameCaller({ headers }: FastifyRequest, { caller }: Principal): void {
  const given = headers[header];
  if (given === undefined || given === caller) return;
  const message = `this key is of caller ${caller}: leave the header out, or use a key of the other caller`;
  throw invalid([{ field: header, code: 'caller_mismatch', message }]);
}
