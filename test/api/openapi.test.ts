import { existsSync, readFileSync } from 'node:fs';
import { breakingChanges } from './breaking-changes';
import type { Document } from './documented';
import { openTestApi, type TestApi } from './test-api';

let api: TestApi;
const committed = (): Document => JSON.parse(readFileSync('openapi.json', 'utf8')) as Document;

beforeAll(async () => {
  api = await openTestApi();
}, 90_000);

afterAll(() => api.close());

describe('the OpenAPI document', () => {
  it('is committed as the app gives it; npm run openapi writes it', async () => {
    const { status, body } = await api.send({ url: '/openapi.json' });

    expect(status).toBe(200);
    expect(body).toEqual(committed());
  });

  it('has every route that is served, with the scope it needs', () => {
    const served = api.app.servedRoutes
      .filter(({ url, method }) => url !== '/openapi.json' && (method !== 'HEAD' || url === '/v1/assets/:id'))
      .map(({ method, url, access }) => `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')} ${access}`);
    const described = Object.entries(committed().paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => {
        const { 'x-scope': scope = 'public', security } = operation;
        const opensByLink = method !== 'delete' && /^\/v1\/assets\/\{id\}(\/thumbnail)?$/.test(path);
        const links = opensByLink ? [{ link: [] }] : [];
        expect(security).toEqual(scope === 'public' ? [] : [{ bearer: [scope] }, ...links]);
        return `${method.toUpperCase()} ${path} ${scope}`;
      }),
    );
    const refusals = new Set(described);

    expect(described.toSorted()).toEqual(served.filter((route) => refusals.has(route)).toSorted());
    expect(served.filter((route) => !refusals.has(route) && !route.endsWith('public'))).toEqual([]);
  });

  it('has the version of the package', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

    expect(committed().info.version).toBe(version);
  });

  it('has examples that are taken', async () => {
    await api.send({ method: 'PUT', url: '/v1/characters/mia' });
    for (const [path, methods] of Object.entries(committed().paths)) {
      const example = methods['post']?.requestBody?.content['application/json']?.example;
      if (example === undefined || path.includes('{') || path === '/v1/api-keys') continue;
      const { status, body } = await api.send({ method: 'POST', url: path, payload: example });
      // The picture of an example is nobody's.
      const isUnknownPicture = JSON.stringify(body).includes('unknown_asset');
      expect({ path, status }).toEqual({
        path,
        status: isUnknownPicture ? 422 : path === '/v1/route-plans' ? 200 : 202,
      });
    }
  });
});

describe('the page /docs', () => {
  it('is for everybody, loads nothing from elsewhere, and may be framed by nobody', async () => {
    const page = await fetch(new URL('/docs', api.baseUrl));
    const html = await page.text();
    const policy = page.headers.get('content-security-policy') ?? '';

    expect(page.status).toBe(200);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('http');
    const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file ?? '');
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) {
      const url = new URL(file, page.url);
      expect(url.origin).toBe(api.baseUrl);
      const loaded = await fetch(url);
      expect(loaded.status).toBe(200);
      // An answer nobody reads would keep the server from closing.
      await loaded.arrayBuffer();
    }
  });

  it('changes nothing about other answers: opened as a page, they load nothing', async () => {
    const { headers } = await api.send({ url: '/healthz' });

    expect(headers.get('content-security-policy')).toBe("default-src 'none';frame-ancestors 'none'");
  });
});

describe('a change of the document', () => {
  const changed = (change: (document: Document) => void): string[] => {
    const later = committed();
    change(later);
    return breakingChanges(committed(), later);
  };
  const schemaOf = ({ components }: Document, name: string) =>
    components.schemas[name] as { required: string[]; properties: Record<string, Record<string, unknown>> };

  it.each<[string, (document: Document) => void, string]>([
    ['a route is gone', ({ paths }) => delete paths['/v1/spend'], 'GET /v1/spend is gone'],
    [
      'an answer loses a field',
      (document) => delete schemaOf(document, 'Generation').properties['engines'],
      'GET /v1/generations/{id} 200 has no engines',
    ],
    [
      'an answer may lack a field',
      (document) => schemaOf(document, 'Spend').required.shift(),
      'GET /v1/spend 200 may lack caller',
    ],
    [
      'a request needs another field',
      (document) => schemaOf(document, 'StudioRequest').required.push('seed'),
      'POST /v1/studio body needs seed',
    ],
    [
      'a request takes fewer values',
      (document) => {
        schemaOf(document, 'StudioRequest').properties['mode'] = { type: 'string', enum: ['creating'] };
      },
      'POST /v1/studio body.mode takes fewer values',
    ],
    [
      'a field of an answer has another type',
      (document) => {
        schemaOf(document, 'Spend').properties['usedUsd'] = { type: 'string' };
      },
      'GET /v1/spend 200.usedUsd has another type',
    ],
  ])('that breaks clients is found: %s', (_name, change, line) => {
    expect(changed(change)).toContain(line);
  });

  it('that only adds is none', () => {
    const added = changed((document) => {
      document.paths['/v1/new'] = {};
      schemaOf(document, 'Spend').properties['new'] = { type: 'string' };
      schemaOf(document, 'Spend').required.push('new');
      schemaOf(document, 'StudioRequest').properties['new'] = { type: 'string' };
    });

    expect(added).toEqual([]);
  });

  it('has broken no client since the last release', () => {
    const file = 'openapi.released.json';
    // There is none before the first release; a release commits its document under this name.
    const released = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Document) : committed();

    expect(breakingChanges(released, committed())).toEqual([]);
  });
});
