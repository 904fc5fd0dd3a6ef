import sharp from 'sharp';
import { signedAssetPath } from '../../src/api/http/asset-signature';
import { clip, mp4, picture } from '../assets/pictures';
import { keyHolder, type KeyHolder } from './keys-api';
import { openTestApi, type TestApi } from './test-api';

const secret = 'a secret of this test, and of no other one';
let api: TestApi;
let id: string;
let bytes: Buffer;

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

async function upload(content: Buffer, type = 'image/png'): Promise<string> {
  const headers = { 'content-type': type };
  const { body } = await api.send({ method: 'POST', url: '/v1/assets', headers, payload: content });
  return String(body['id']);
}

beforeAll(async () => {
  api = await openTestApi({}, { assetUrlSecret: secret });
  bytes = await picture('png', { width: 400, height: 200 });
  id = await upload(bytes);
}, 90_000);

afterAll(() => api.close());

describe('an address that a browser can load without a key', () => {
  it('is made for an hour, and shows the picture and its thumbnails', async () => {
    const { status, body } = await api.send({ method: 'POST', url: `/v1/assets/${id}/links` });

    expect(status).toBe(200);
    expect(Date.parse(String(body['expiresAt'])) - Date.now()).toBeGreaterThan(3_590_000);
    const response = await fetch(new URL(String(body['url']), api.baseUrl));
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
    const thumbnails = body['thumbnails'] as Record<string, string>;
    expect(Object.keys(thumbnails)).toEqual(['160', '320', '640']);
    for (const url of Object.values(thumbnails)) {
      expect((await fetch(new URL(url, api.baseUrl))).headers.get('content-type')).toBe('image/webp');
    }
  });

  it('is kept by a browser no longer than it lasts', async () => {
    const { headers } = await api.send({ url: signedAssetPath(secret, id, inSeconds(60)) });

    const [, seconds = ''] =
      /^private, max-age=(\d+), immutable$/.exec(headers.get('cache-control') ?? '') ?? [];
    expect(Number(seconds)).toBeGreaterThan(0);
    expect(Number(seconds)).toBeLessThanOrEqual(60);
  });

  it('ends', async () => {
    const answer = await api.send({ url: signedAssetPath(secret, id, inSeconds(-1)) });

    expect(answer).toMatchObject({ status: 403, body: { code: 'link_expired' } });
  });

  it.each<[string, () => string]>([
    [
      'another end',
      () => signedAssetPath(secret, id, inSeconds(60)).replace(/expires=\d+/, 'expires=99999999999'),
    ],
    [
      'another asset',
      () => signedAssetPath(secret, 'b'.repeat(64), inSeconds(60)).replace('b'.repeat(64), id),
    ],
    ['another secret', () => signedAssetPath('not the secret', id, inSeconds(60))],
    ['no signature', () => `/v1/assets/${id}?expires=${inSeconds(60)}`],
    ['no end', () => `/v1/assets/${id}?signature=abc`],
    ['an empty signature', () => `/v1/assets/${id}?expires=${inSeconds(60)}&signature=`],
    ['a thumbnail of another secret', () => signedAssetPath('x', id, 1).replace('?', '/thumbnail?')],
  ])('is refused with %s', async (_name, url) => {
    expect(await api.send({ url: url() })).toMatchObject({
      status: 403,
      body: { code: 'link_invalid' },
    });
  });

  it('may be named in a request: it is our own', async () => {
    await api.send({ method: 'PUT', url: '/v1/characters/ava', payload: {} });
    const sourceImageUrl = signedAssetPath(secret, id, inSeconds(60));
    const payload = { flow: 'studio', characterId: 'ava', mode: 'editing', prompt: 'x', sourceImageUrl };

    expect((await api.send({ method: 'POST', url: '/v1/route-plans', payload })).status).toBe(200);
  });

  it('is made for no asset that does not exist, and for a week at most', async () => {
    const unknown = await api.send({ method: 'POST', url: `/v1/assets/${'c'.repeat(64)}/links` });
    const forever = { method: 'POST', url: `/v1/assets/${id}/links`, payload: { seconds: 604_801 } };

    expect(unknown.status).toBe(404);
    expect(await api.send(forever)).toMatchObject({ status: 400, body: { errors: [{ field: 'seconds' }] } });
  });

  it('is not made, and opens nothing, without a secret', async () => {
    const unsigned = await openTestApi({}, { assetStore: api.assetStore });
    const headers = { 'content-type': 'image/png' };
    await unsigned.send({ method: 'POST', url: '/v1/assets', headers, payload: bytes });
    const made = await unsigned.send({ method: 'POST', url: `/v1/assets/${id}/links` });
    const opened = await unsigned.send({ url: signedAssetPath('', id, inSeconds(60)) });
    await unsigned.close();

    expect(made).toMatchObject({ status: 409, body: { code: 'signing_disabled' } });
    expect(opened).toMatchObject({ status: 403, body: { code: 'link_invalid' } });
  });
});

describe('where keys are asked for', () => {
  let keyed: TestApi;
  let owner: KeyHolder;
  let other: KeyHolder;
  let picture1: string;
  let link: string;
  let thumbnail: string;

  beforeAll(async () => {
    keyed = await openTestApi({ API_AUTH: 'keys' }, { assetUrlSecret: secret });
    owner = await keyHolder(keyed, 'owner', ['start', 'read']);
    other = await keyHolder(keyed, 'other', ['start', 'read']);
    const headers = { 'content-type': 'image/png' };
    const sent = await owner.send({ method: 'POST', url: '/v1/assets', headers, payload: bytes });
    picture1 = `/v1/assets/${String(sent.body['id'])}`;
    const { body } = await owner.send({ method: 'POST', url: `${picture1}/links` });
    link = String(body['url']);
    thumbnail = (body['thumbnails'] as Record<string, string>)['160'] ?? '';
  }, 90_000);

  afterAll(() => keyed.close());

  it('a link shows the picture to whoever has it: without a key, and with the key of another caller', async () => {
    for (const url of [link, thumbnail]) {
      expect(await keyed.send({ url })).toMatchObject({ status: 200 });
      expect(await keyed.send({ method: 'HEAD', url })).toMatchObject({ status: 200 });
      expect(await other.send({ url })).toMatchObject({ status: 200 });
    }
  });

  it('may stand on a page of anybody, which an unsigned address may not', async () => {
    const policy = 'cross-origin-resource-policy';

    expect((await keyed.send({ url: link })).headers.get(policy)).toBe('cross-origin');
    expect((await owner.send({ url: picture1 })).headers.get(policy)).toBe('same-origin');
  });

  it('nothing but a link opens without a key, and nothing else opens by one', async () => {
    const query = link.slice(link.indexOf('?'));
    const closed = [picture1, `${picture1}/thumbnail`, `${picture1}/recipe${query}`, `/v1/spend${query}`];

    for (const url of closed) expect(await keyed.send({ url })).toMatchObject({ status: 401 });
    const more = { method: 'POST', url: `${picture1}/links${query}` };
    expect(await keyed.send(more)).toMatchObject({ status: 401 });
  });

  it('is refused when it is wrong, also with the key of the owner; nobody is written down for it', async () => {
    const wrong = [`${link}x`, `${link}&expires=99999999999`, thumbnail.replace('expires=', 'expires=1')];

    for (const url of wrong) {
      expect(await keyed.send({ url })).toMatchObject({ status: 403, body: { code: 'link_invalid' } });
      expect(await owner.send({ url })).toMatchObject({ status: 403, body: { code: 'link_invalid' } });
    }
    const audit = await keyed.database.db.selectFrom('audit_entries').select('code').execute();
    expect(audit.filter(({ code }) => code === 'link_invalid')).toEqual([]);
  });

  it('is made by callers of their own pictures only', async () => {
    const made = await other.send({ method: 'POST', url: `${picture1}/links` });
    const seen = await other.send({ url: picture1 });

    expect([made, seen]).toMatchObject([{ status: 404 }, { status: 404 }]);
  });

  it('names the picture in a request of its owner alone', async () => {
    const payload = {
      flow: 'studio',
      characterId: 'ava',
      mode: 'editing',
      prompt: 'x',
      sourceImageUrl: link,
    };
    const plan = async (by: KeyHolder) => {
      await by.send({ method: 'PUT', url: '/v1/characters/ava' });
      return await by.send({ method: 'POST', url: '/v1/route-plans', payload });
    };

    expect(await plan(owner)).toMatchObject({ status: 200 });
    expect(await plan(other)).toMatchObject({ status: 422, body: { errors: [{ code: 'unknown_asset' }] } });
  });
});

describe('a thumbnail', () => {
  const get = async (assetId: string, query = '') => {
    const response = await fetch(new URL(`/v1/assets/${assetId}/thumbnail${query}`, api.baseUrl));
    return { response, content: Buffer.from(await response.arrayBuffer()) };
  };

  it.each([
    ['', 320, 160],
    ['?size=160', 160, 80],
    ['?size=640', 400, 200],
  ])('%s is a WebP of that size, and never larger than its picture', async (query, width, height) => {
    const { response, content } = await get(id, query);

    expect(response.headers.get('content-length')).toBe(String(content.length));
    expect(await sharp(content).metadata()).toMatchObject({ format: 'webp', width, height });
  });

  it('is made once, also when ten ask at the same moment', async () => {
    const put = jest.spyOn(api.assetStore, 'putThumbnail');
    const assetId = await upload(await picture('png', { seed: 41 }));

    await Promise.all(Array.from({ length: 10 }, () => get(assetId)));
    await get(assetId);

    expect(put).toHaveBeenCalledTimes(1);
    put.mockRestore();
  });

  it('keeps the mark of how its picture was made', async () => {
    const digitalSource = 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia';
    const xmp =
      '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">' +
      '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" ' +
      `Iptc4xmpExt:DigitalSourceType="${digitalSource}"/></rdf:RDF></x:xmpmeta>`;
    const marked = await sharp(await picture('png', { seed: 42 }))
      .withXmp(xmp)
      .png()
      .toBuffer();

    const { content } = await get(await upload(marked));

    expect((await sharp(content).metadata()).xmpAsString).toContain(digitalSource);
  });

  it('of an animation is its first frame', async () => {
    const { content } = await get(await upload(await clip(), 'image/webp'));

    expect((await sharp(content).metadata()).pages ?? 1).toBe(1);
  });

  it('sends nothing to a browser that has it', async () => {
    const { response } = await get(id);
    const headers = { 'if-none-match': response.headers.get('etag') ?? '' };

    expect((await api.send({ url: `/v1/assets/${id}/thumbnail`, headers })).status).toBe(304);
  });

  it.each<[string, () => string | Promise<string>, number, string]>([
    ['an MP4', async () => `${await upload(mp4(), 'video/mp4')}/thumbnail`, 415, 'wrong_kind'],
    ['nothing', () => `${'d'.repeat(64)}/thumbnail`, 404, 'asset_not_found'],
    ['another size', () => `${id}/thumbnail?size=5000`, 400, 'invalid_request'],
  ])('of %s is refused', async (_name, path, status, code) => {
    expect(await api.send({ url: `/v1/assets/${await path()}` })).toMatchObject({ status, body: { code } });
  });
});
