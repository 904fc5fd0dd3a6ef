import { isAllowedMediaUrl, resolveSameOrigin } from '../../../src/providers/http/remote-url';

describe('resolveSameOrigin', () => {
  const base = 'https://ryla--flux.modal.run/flux-dev';

  it.each([
    ['?__modal_function_call_id=fc-1', 'https://ryla--flux.modal.run/flux-dev?__modal_function_call_id=fc-1'],
    ['/other?x=1', 'https://ryla--flux.modal.run/other?x=1'],
    ['https://ryla--flux.modal.run/flux-dev?a=b', 'https://ryla--flux.modal.run/flux-dev?a=b'],
  ])('follows %p', (location, expected) => {
    expect(resolveSameOrigin(location, base)).toBe(expected);
  });

  it.each([
    'https://evil.example/flux-dev',
    '//evil.example/x',
    '\\\\evil.example\\x',
    'http://ryla--flux.modal.run/flux-dev',
    'https://ryla--flux.modal.run:8443/flux-dev',
    'https://ryla--flux.modal.run.evil.example/x',
    'https://user:pass@ryla--flux.modal.run/x',
    'https://[broken',
    'file:///etc/passwd',
  ])('refuses %p', (location) => {
    expect(resolveSameOrigin(location, base)).toBeUndefined();
  });
});

describe('isAllowedMediaUrl', () => {
  const real = 'https://queue.fal.run';

  it.each(['https://fal.media/a.jpg', 'https://v3.fal.media/files/a.jpg', 'https://FAL.media/a.jpg'])(
    'lets %p through for the host fal.media',
    (url) => {
      expect(isAllowedMediaUrl(url, ['fal.media'], real)).toBe(true);
    },
  );

  it.each([
    'http://fal.media/a.jpg',
    'https://fal.media:8443/a.jpg',
    'https://v3.fal.media:8443/a.jpg',
    'https://notfal.media/a.jpg',
    'https://fal.media.evil.example/a.jpg',
    'https://key@fal.media/a.jpg',
    'data:image/png;base64,AAAA',
    '/a.jpg',
    '',
  ])('refuses %p for the host fal.media', (url) => {
    expect(isAllowedMediaUrl(url, ['fal.media'], real)).toBe(false);
  });

  it('takes a host with a port literally, and plain HTTP only where the provider is spoken to so', () => {
    const hosts = ['127.0.0.1:9812'];
    expect(isAllowedMediaUrl('http://127.0.0.1:9812/files/a', hosts, 'http://127.0.0.1:9812/queue')).toBe(
      true,
    );
    expect(isAllowedMediaUrl('http://127.0.0.1:9813/files/a', hosts, 'http://127.0.0.1:9812/queue')).toBe(
      false,
    );
    expect(isAllowedMediaUrl('http://127.0.0.1:9812/files/a', hosts, real)).toBe(false);
  });

  it('reads the list whatever its case', () => {
    expect(isAllowedMediaUrl('https://v3.fal.media/a', ['FAL.media'], real)).toBe(true);
  });

  it('lets nothing through when an entry of the list is empty', () => {
    expect(isAllowedMediaUrl('https://evil.example/a', [''], real)).toBe(false);
  });
});
