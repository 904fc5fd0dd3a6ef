import { isIPv4 } from 'node:net';
import { ConfigurationError } from './configuration-error';
import type { Environment } from './environment';

/** Who is let in. */
export interface AccessSettings {
  /** `open`: whoever comes, as whom they say they are. `keys`: whoever has a key, or a token. */
  mode: 'open' | 'keys';
  /** Requests a minute of one key, in one process. */
  ratePerMinute: number;
  /** Left out: keys only. */
  jwt?: TokenSettings | undefined;
  /** Whose pages may call from a browser. */
  corsOrigins: readonly string[];
}

/** Tokens of an identity provider. */
export interface TokenSettings {
  jwksUrl: string;
  issuer: string;
  audience: string;
  /** The claim that names the caller. */
  callerClaim: string;
}

/** @throws ConfigurationError for an API that anybody in the network could use. */
export function accessSettings(environment: Environment): AccessSettings {
  const { API_HOST: host, API_AUTH: asked } = environment;
  const isOwnMachine = isLoopback(host);
  if (asked === 'open' && !isOwnMachine) {
    throw new ConfigurationError(
      `API_AUTH is open and API_HOST is ${host}: whoever reaches that address could read and pay for everything. ` +
        'Set API_AUTH to keys, or API_HOST to 127.0.0.1',
    );
  }
  return {
    mode: asked ?? (isOwnMachine ? 'open' : 'keys'),
    ratePerMinute: environment.API_RATE_PER_MINUTE,
    jwt: tokenSettings(environment),
    corsOrigins: environment.API_CORS_ORIGINS,
  };
}

function tokenSettings(environment: Environment): TokenSettings | undefined {
  const { API_JWKS_URL: jwksUrl, API_JWT_ISSUER: issuer, API_JWT_AUDIENCE: audience } = environment;
  if (jwksUrl === undefined && issuer === undefined && audience === undefined) return undefined;
  if (jwksUrl === undefined || issuer === undefined || audience === undefined) {
    throw new ConfigurationError('API_JWKS_URL, API_JWT_ISSUER and API_JWT_AUDIENCE: set all three or none');
  }
  const { protocol, hostname } = new URL(jwksUrl);
  if (protocol !== 'https:' && !isLoopback(hostname)) {
    throw new ConfigurationError('API_JWKS_URL: must be https, or anybody on the way could hand out keys');
  }
  return { jwksUrl, issuer, audience, callerClaim: environment.API_JWT_CALLER_CLAIM };
}

/** Whether only programs of this machine reach it. */
function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'));
}
