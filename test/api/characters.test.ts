import { openTestApi, type TestApi } from './test-api';

let api: TestApi;

beforeAll(async () => {
  api = await openTestApi();
}, 90_000);

afterAll(() => api.close());

const put = (url: string, payload?: object) => api.send({ method: 'PUT', url, payload });
const lora = { baseModel: 'flux', triggerWord: 'avaperson' };

describe('characters', () => {
  it('are created with 201, renamed with 200, and read back', async () => {
    const created = await put('/v1/characters/ava');
    const renamed = await put('/v1/characters/ava', { name: ' Ava ' });

    expect([created.status, renamed.status]).toEqual([201, 200]);
    expect(renamed.body).toMatchObject({
      id: 'ava',
      name: 'Ava',
      links: { self: '/v1/characters/ava', loras: '/v1/characters/ava/loras' },
    });
    expect((await api.send({ url: '/v1/characters/ava' })).body).toEqual(renamed.body);
  });

  it('are listed page by page', async () => {
    for (const id of ['bea', 'cleo']) await put(`/v1/characters/${id}`);

    const { body: first } = await api.send({ url: '/v1/characters?limit=2' });
    const { body: second } = await api.send({
      url: `/v1/characters?limit=2&cursor=${String(first['nextCursor'])}`,
    });

    expect(first['items']).toMatchObject([{ id: 'ava' }, { id: 'bea' }]);
    expect(second).toMatchObject({ items: [{ id: 'cleo' }], nextCursor: null });
  });

  it('are unknown until they are created', async () => {
    const { status, body } = await api.send({ url: '/v1/characters/nobody' });

    expect(status).toBe(404);
    expect(body['detail']).toContain('PUT /v1/characters/nobody');
  });

  it.each([
    ['/v1/characters/a%2Fb', {}, 'id'],
    ['/v1/characters/-a', {}, 'id'],
    ['/v1/characters/ava', { name: '' }, 'name'],
    ['/v1/characters/ava', { nmae: 'Ava' }, 'nmae'],
    ['/v1/characters/ava', { name: '\u0000' }, 'name'],
  ])('refuse PUT %s with %j', async (url, payload, field) => {
    const { status, body } = await put(url, payload);

    expect(status).toBe(400);
    expect(body['errors']).toMatchObject([{ field }]);
  });
});

describe('LoRAs', () => {
  it('are created, replaced, listed and deleted', async () => {
    const created = await put('/v1/characters/ava/loras/ava1', { ...lora, status: 'training' });
    const replaced = await put('/v1/characters/ava/loras/ava1', lora);

    expect([created.status, replaced.status]).toEqual([201, 200]);
    expect(created.body).toMatchObject({ status: 'training', isDefault: false });
    expect(replaced.body).toMatchObject({
      id: 'ava1',
      characterId: 'ava',
      status: 'ready',
      defaultStrength: 1,
      isDefault: true,
    });
    expect((await api.send({ url: '/v1/characters/ava/loras/ava1' })).body).toEqual(replaced.body);
    expect((await api.send({ url: '/v1/characters/ava/loras' })).body).toEqual({ items: [replaced.body] });

    const remove = () => api.send({ method: 'DELETE', url: '/v1/characters/ava/loras/ava1' });
    expect([(await remove()).status, (await remove()).status]).toEqual([204, 404]);
  });

  it('need their character', async () => {
    expect(await put('/v1/characters/nobody/loras/x', lora)).toMatchObject({
      status: 404,
      body: { code: 'character_not_found' },
    });
    expect((await api.send({ url: '/v1/characters/nobody/loras' })).status).toBe(404);
  });

  it.each([
    ['character-ava', lora, 'loraId'],
    ['ava2', { ...lora, baseModel: 'sdxl' }, 'baseModel'],
    ['ava2', { baseModel: 'flux' }, 'triggerWord'],
    ['ava2', { ...lora, defaultStrength: 3 }, 'defaultStrength'],
    ['ava2', { ...lora, status: 'done' }, 'status'],
  ])('refuse %s with %j', async (id, payload, field) => {
    const { status, body } = await put(`/v1/characters/ava/loras/${id}`, payload);

    expect(status).toBe(400);
    expect(body['errors']).toMatchObject([{ field }]);
  });
});
