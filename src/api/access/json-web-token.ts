import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload } from 'jose';
import type { TokenSettings } from '../../config/access-settings';
import { scopes, type Scope } from '../../domain/access';
import { callerSchema } from '../../domain/requests';
import { HttpProblem } from '../http/http-problem';
import type { Principal } from './principal';

/** Never HS256 and its like: whoever knows a public key could sign with it. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
/** Clocks of two machines are seldom equal. */
const clockToleranceSeconds = 30;
const keysTimeoutMs = 5000;
const retryAfterSeconds = 30;

/**
 * Checks tokens of an identity provider, by the public keys it publishes.
 *
 * @returns whose a token is; `undefined` for one that is not genuine, not for us, or expired
 * @throws HttpProblem 403 for a genuine one that names no caller, 503 when the keys cannot be had.
 */
export function createTokenCheck({ jwksUrl, issuer, audience, callerClaim }: TokenSettings) {
  const keys = createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: keysTimeoutMs });
  const options = {
    issuer,
    audience,
    algorithms,
    clockTolerance: clockToleranceSeconds,
    requiredClaims: ['exp'],
  };
  return async (token: string): Promise<Principal | undefined> => {
    try {
      const { payload } = await jwtVerify(token, keys, options);
      return { caller: callerIn(payload, callerClaim), scopes: scopesIn(payload) };
    } catch (cause) {
      if (cause instanceof HttpProblem) throw cause;
      if (isRefusal(cause)) return undefined;
      throw new HttpProblem(
        503,
        'keys_unavailable',
        'The keys that tokens are signed with cannot be read now.',
        {
          retryAfterSeconds,
          cause,
        },
      );
    }
  };
}

/** The token is to blame. Anything else went wrong on the way to the keys. */
function isRefusal(error: unknown): boolean {
  const isUnreadable = error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid;
  // Thrown as such, and not as one of its kinds, where the address of the keys answers anything but 200 and JSON.
  const isBadAnswer = error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC';
  return error instanceof errors.JOSEError && !isUnreadable && !isBadAnswer;
}

function callerIn(payload: JWTPayload, claim: string): string {
  const parsed = callerSchema.safeParse(payload[claim]);
  if (parsed.success) return parsed.data;
  const message = `the claim ${claim} of this token is no caller id (1-64 letters, digits, "-" or "_"): set API_JWT_CALLER_CLAIM to one that is`;
  throw new HttpProblem(403, 'caller_unusable', `The token cannot be used: ${message}.`, {
    errors: [{ field: 'authorization', code: 'caller_unusable', message }],
  });
}

/** Those of ours among the words of the claim `scope` (RFC 8693). */
function scopesIn({ scope }: JWTPayload): ReadonlySet<Scope> {
  const words = typeof scope === 'string' ? scope.split(' ') : [];
  return new Set(scopes.filter((one) => words.includes(one)));
}
