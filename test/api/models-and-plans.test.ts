import { openTestApi, type TestApi } from './test-api';

let api: TestApi;

beforeAll(async () => {
  api = await openTestApi({ NSFW_ENABLED: 'true' });
  await api.send({ method: 'PUT', url: '/v1/characters/ava', payload: {} });
}, 90_000);

afterAll(() => api.close());

interface Model {
  price: { usd: number };
  id: string;
  provider: string;
  supportsNSFW: boolean;
  supportsLoRA: boolean;
  capabilities: string[];
  studioModes: string[];
}

describe('the model list', () => {
  const list = async (query: string) =>
    (await api.send({ url: `/v1/models${query}` })).body['items'] as Model[];

  it('holds every registered model with its price and capabilities', async () => {
    const items = await list('');

    expect(items.length).toBeGreaterThanOrEqual(33);
    expect(items.find(({ id }) => id === 'modal-flux-dev')).toMatchObject({
      provider: 'modal',
      backendId: '/flux-dev',
      capabilities: ['text-to-image'],
      eligible: true,
      price: { per: 'image' },
    });
  });

  it('prices every model that is not our own hardware', async () => {
    const free = (await list('')).filter(({ price }) => price.usd === 0);

    expect(new Set(free.map(({ provider }) => provider))).toEqual(new Set(['comfyui']));
  });

  it('narrows by mode, capability, NSFW and LoRA', async () => {
    const [video, editing, nsfw, lora] = await Promise.all([
      list('?mode=video'),
      list('?capability=editing'),
      list('?nsfw=true'),
      list('?useLora=true'),
    ]);

    expect(video.every(({ studioModes }) => studioModes.includes('video'))).toBe(true);
    expect(editing.every(({ capabilities }) => capabilities.includes('editing'))).toBe(true);
    expect(nsfw.every(({ supportsNSFW, provider }) => supportsNSFW && provider !== 'fal')).toBe(true);
    expect(lora.every(({ supportsLoRA }) => supportsLoRA)).toBe(true);
    expect([video, editing, nsfw, lora].every((items) => items.length > 0)).toBe(true);
  });

  it.each([
    ['?mode=dreaming', 'mode'],
    ['?capability=magic', 'capability'],
    ['?nsfw=perhaps', 'nsfw'],
    ['?colour=red', 'colour'],
  ])('refuses %s', async (query, field) => {
    const { status, body } = await api.send({ url: `/v1/models${query}` });

    expect(status).toBe(400);
    expect(body['errors']).toMatchObject([{ field }]);
  });
});

describe('a route plan', () => {
  const plan = (payload: object) => api.send({ method: 'POST', url: '/v1/route-plans', payload });

  it('shows every candidate with its reason, and the money, and starts nothing', async () => {
    const { status, body } = await plan({
      flow: 'base-images',
      characterId: 'ava',
      prompt: 'an adult woman',
    });

    expect(status).toBe(200);
    const slots = body['slots'] as { candidates: object[] }[];
    expect(slots).toHaveLength(6);
    expect(slots[0]?.candidates[0]).toMatchObject({
      provider: 'modal',
      endpoint: '/flux-dev',
      eligible: true,
    });
    for (const candidate of slots.flatMap(({ candidates }) => candidates)) {
      expect(candidate).toMatchObject({
        modelId: expect.any(String) as unknown,
        provider: expect.any(String) as unknown,
        endpoint: expect.any(String) as unknown,
        eligible: expect.any(Boolean) as unknown,
        reason: expect.stringMatching(/./) as unknown,
        identity: expect.stringMatching(/^(lora|reference|none)$/) as unknown,
        priceUsd: expect.any(Number) as unknown,
        typicalSeconds: expect.any(Number) as unknown,
      });
    }
    const { expectedUsd, worstUsd } = body['estimate'] as Record<string, number>;
    expect(expectedUsd).toBeGreaterThan(0);
    expect(worstUsd).toBeGreaterThan(expectedUsd ?? Infinity);
    expect(api.temporal.started).toEqual([]);
    expect(await api.database.db.selectFrom('generations').selectAll().execute()).toEqual([]);
  });

  it('keeps a candidate that may not be used, with the reason', async () => {
    const { body } = await plan({ flow: 'studio', characterId: 'ava', prompt: 'an adult woman', nsfw: true });

    const candidates = (body['slots'] as { candidates: { provider: string; eligible: boolean }[] }[])[0]
      ?.candidates;
    expect(candidates?.filter(({ provider, eligible }) => provider === 'fal' && eligible)).toEqual([]);
    expect(candidates?.some(({ eligible }) => eligible)).toBe(true);
  });

  it.each<[string, object, number, string]>([
    ['an unknown flow', { flow: 'dreams', characterId: 'ava' }, 400, 'flow'],
    ['no flow', { characterId: 'ava', prompt: 'x' }, 400, 'flow'],
    [
      'a field of another flow',
      { flow: 'base-images', characterId: 'ava', prompt: 'x', quality: 'fast' },
      400,
      'quality',
    ],
    ['an unknown character', { flow: 'studio', characterId: 'nobody', prompt: 'x' }, 422, 'characterId'],
    [
      'a mode without its source',
      { flow: 'studio', characterId: 'ava', mode: 'upscaling' },
      422,
      'sourceImageUrl',
    ],
  ])('refuses %s as a start would', async (_name, payload, status, field) => {
    const answer = await plan(payload);

    expect(answer.status).toBe(status);
    expect(answer.body['errors']).toEqual(expect.arrayContaining([expect.objectContaining({ field })]));
  });
});
