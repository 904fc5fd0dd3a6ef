/** Where a URL another party named may lead; `undefined` when it leads elsewhere or is no URL. */
export function resolveSameOrigin(location: string, base: string): string | undefined {
  if (!URL.canParse(location, base)) return undefined;
  const url = new URL(location, base);
  const isOurs = url.origin === new URL(base).origin && url.username === '' && url.password === '';
  return isOurs ? url.href : undefined;
}

/**
 * Whether media may be fetched from, or uploaded to, a URL. An entry of `hosts` is `host` (which allows its subdomains
 * on the default port too) or `host:port` (exactly that). Plain HTTP only where the provider itself is spoken to so.
 */
export function isAllowedMediaUrl(url: string, hosts: readonly string[], providerUrl: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, host, username, password } = new URL(url);
  const isSecureEnough = protocol === 'https:' || (protocol === 'http:' && providerUrl.startsWith('http:'));
  if (!isSecureEnough || username !== '' || password !== '') return false;
  const entries = hosts.map((entry) => entry.toLowerCase()).filter((entry) => entry !== '');
  return entries.some((entry) => host === entry || isSubdomain(host, entry));
}

function isSubdomain(host: string, entry: string): boolean {
  return !entry.includes(':') && host.endsWith(`.${entry}`);
}
