import { parseAssetUrl } from '../../src/api/http/parse-asset-url';

const assetId = 'a1'.repeat(32);
const path = `/v1/assets/${assetId}`;

describe('parseAssetUrl', () => {
  it.each([
    ['a path', path, 'api.test'],
    ['a URL on the host the request came to', `http://api.test${path}`, 'api.test'],
    ['the same behind TLS', `https://api.test${path}`, 'api.test'],
    ['the same with a port', `http://api.test:9800${path}`, 'api.test:9800'],
    ['another name of this machine', `http://localhost:9800${path}`, '127.0.0.1:9800'],
    ['a signed address', `${path}?expires=1&signature=x`, 'api.test'],
    ['this machine over IPv6', `http://[::1]:9800${path}`, 'localhost:9800'],
  ])('knows %s', (_name, url, host) => {
    expect(parseAssetUrl(url, host)).toEqual({ assetId });
  });

  it.each([
    ['another host', `https://example.com${path}`, 'api.test'],
    ['another port of this machine', `http://localhost:9999${path}`, '127.0.0.1:9800'],
    ['a host that only begins the same', `http://api.test.example.com${path}`, 'api.test'],
    ['a user name that looks like the host', `http://api.test@example.com${path}`, 'api.test'],
    ['credentials', `http://user:secret@api.test${path}`, 'api.test'],
    ['a URL without a scheme', `//example.com${path}`, 'api.test'],
    ['another scheme', `ftp://api.test${path}`, 'api.test'],
    ['a file', 'file:///etc/passwd', 'api.test'],
    ['inline data', 'data:image/png;base64,AAAA', 'api.test'],
    ['another path', `/v1/characters/${assetId}`, 'api.test'],
    ['a query', `${path}?x=1`, 'api.test'],
    ['no URL at all', 'http://', 'api.test'],
    ['a request without a usable host', path, 'not a host'],
  ])('takes %s for foreign', (_name, url, host) => {
    expect(parseAssetUrl(url, host)).toEqual({ problem: 'foreign_url' });
  });

  it.each(['/v1/assets/', '/v1/assets/abc', `${path}/recipe`, path.replace('a1', 'A1')])(
    'takes %s for an asset that does not exist',
    (url) => {
      expect(parseAssetUrl(url, 'api.test')).toEqual({ problem: 'unknown_asset' });
    },
  );
});
