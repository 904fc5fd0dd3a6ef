export type ParsedAssetUrl =
  { assetId: string; problem?: undefined } | { problem: 'foreign_url' | 'unknown_asset' };

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Reads one of our own asset URLs: the path `/v1/assets/{id}`, or the same on the host this request came to. A URL of
 * any other kind is `foreign_url`.
 */
export function parseAssetUrl(text: string, ownHost: string): ParsedAssetUrl {
  const own = parseUrl(`http://${ownHost}`);
  const url = own === undefined ? undefined : parseUrl(text, own);
  if (own === undefined || url === undefined || !isOwn(url, own)) return { problem: 'foreign_url' };
  if (!url.pathname.startsWith('/v1/assets/') || !hasNoQuery(url) || url.hash !== '') {
    return { problem: 'foreign_url' };
  }
  const assetId = url.pathname.slice('/v1/assets/'.length);
  return /^[0-9a-f]{64}$/.test(assetId) ? { assetId } : { problem: 'unknown_asset' };
}

function isOwn(url: URL, own: URL): boolean {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return false;
  if (url.username !== '' || url.password !== '') return false;
  if (url.host === own.host) return true;
  return loopbackNames.has(url.hostname) && loopbackNames.has(own.hostname) && url.port === own.port;
}

/** A signed address names the asset just as well. */
function hasNoQuery({ searchParams }: URL): boolean {
  return [...searchParams.keys()].every((name) => name === 'expires' || name === 'signature');
}

function parseUrl(text: string, base?: URL): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}
