import { lookup as resolveName, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, request, type Dispatcher } from 'undici';
import { ForeignUrlError } from './foreign-url-error';
import { isPublicAddress } from './public-address';

/** Asks for all addresses of a name; `dns.lookup` with `all`. */
export type ResolveName = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses?: LookupAddress[]) => void,
) => void;

export interface GuardOptions {
  /**
   * `host:port` that may be reached although they are not public. For an installation's own servers and for tests:
   * whoever may send a request can read what answers there.
   */
  allowedHosts?: readonly string[] | undefined;
  /** Default: the system's. */
  resolve?: ResolveName | undefined;
}

const longestChain = 3;
const redirects = new Set([301, 302, 303, 307, 308]);
const webPorts = new Set(['', '80', '443']);

/**
 * `GET` of a URL that a stranger gave us. Only public addresses are ever connected to: the name is resolved once, each
 * of its addresses is judged, and one of just these is connected to. Every redirect is a new URL of a stranger.
 *
 * @param use gets a 200; the connection is gone when it has settled
 * @throws ForeignUrlError; the signal's own reason after an abort; and what `use` throws.
 */
export async function guardedGet<Result>(
  text: string,
  { signal, ...guard }: GuardOptions & { signal: AbortSignal },
  use: (response: Dispatcher.ResponseData) => Promise<Result>,
): Promise<Result> {
  let url = checkedUrl(text, undefined, guard);
  for (let hop = 0; hop <= longestChain; hop += 1) {
    const agent = new Agent({ connect: { lookup: guardedLookup(url, guard) } });
    try {
      const response = await get(url, agent, signal);
      if (response.statusCode === 200) return await use(response);
      url = checkedUrl(locationOf(response), url, guard);
    } finally {
      await agent.destroy();
    }
  }
  throw new ForeignUrlError(
    'url_redirects',
    `is redirected more than ${longestChain} times: send the last URL of the chain`,
  );
}

async function get(url: URL, dispatcher: Agent, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
  // What is compressed on its way could become any size here.
  const headers = {
    accept: 'image/*, video/*',
    'accept-encoding': 'identity',
    'user-agent': 'ryla-generation',
  };
  try {
    return await request(url, { dispatcher, signal, headers });
  } catch (cause) {
    if (cause instanceof ForeignUrlError) throw cause;
    signal.throwIfAborted();
    throw new ForeignUrlError('url_unreachable', unreachable, { cause });
  }
}

export const unreachable =
  'cannot be reached: send it again in a moment, or upload the file with POST /v1/assets';

/** @throws ForeignUrlError for every answer that neither has the picture nor says where it is. */
function locationOf({ statusCode, headers }: Dispatcher.ResponseData): string {
  const { location } = headers;
  if (redirects.has(statusCode) && typeof location === 'string') return location;
  if (statusCode >= 500 || statusCode === 429) {
    throw new ForeignUrlError('url_unreachable', `answers ${statusCode}: send it again in a moment`);
  }
  throw new ForeignUrlError(
    'url_refused',
    `answers ${statusCode} instead of a picture: send a URL that anybody may load, or upload the file`,
  );
}

/** @throws ForeignUrlError unless it is a plain web address that may be reached, as far as the URL itself can tell. */
function checkedUrl(text: string, base: URL | undefined, { allowedHosts = [] }: GuardOptions): URL {
  const url = parse(text, base);
  if (url === undefined) throw invalid('is no URL that can be read');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw invalid('is neither http nor https');
  if (url.username !== '' || url.password !== '') throw invalid('holds a user name or a password');
  if (isAllowed(url, allowedHosts)) return url;
  if (!webPorts.has(url.port)) throw invalid('has another port than 80 and 443');
  const host = bareHost(url);
  // A literal address is connected to without a lookup, so it is judged here.
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw notPublic();
  return url;
}

function parse(text: string, base: URL | undefined): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

function isAllowed(url: URL, allowedHosts: readonly string[]): boolean {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return allowedHosts.includes(`${url.hostname}:${port}`);
}

function guardedLookup(url: URL, { allowedHosts = [], resolve = resolveName }: GuardOptions): LookupFunction {
  const mayBePrivate = isAllowed(url, allowedHosts);
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses = []) => {
      const [first] = addresses;
      if (error !== null || first === undefined) {
        callback(error ?? new Error('the name has no address'), '');
        return;
      }
      if (!mayBePrivate && addresses.some(({ address }) => !isPublicAddress(address))) {
        callback(notPublic(), '');
        return;
      }
      if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function invalid(what: string): ForeignUrlError {
  return new ForeignUrlError(
    'url_invalid',
    `${what}: send one of our asset URLs, a public http or https URL, or a data: URL`,
  );
}

function notPublic(): ForeignUrlError {
  return new ForeignUrlError(
    'url_not_public',
    'leads to an address that is not public: upload the file with POST /v1/assets instead',
  );
}
