import { baseImages, everythingOn, plan, refusalOf, without } from './fixtures';

describe('base images', () => {
  it('are always six, two of each kind, each with the other provider behind it', () => {
    const endpoints = plan(baseImages()).slots.map(({ candidates }) =>
      candidates.map(({ endpoint }) => endpoint),
    );
    const seedream = 'fal-ai/bytedance/seedream/v4.5/text-to-image';
    expect(endpoints).toEqual([
      ['/flux-dev', 'fal-ai/flux/dev'],
      ['/flux-dev', 'fal-ai/flux/dev'],
      ['fal-ai/flux/dev', '/flux-dev'],
      ['fal-ai/flux/dev', '/flux-dev'],
      [seedream, '/flux-dev'],
      [seedream, '/flux-dev'],
    ]);
  });

  it('are still six while one provider is switched off', () => {
    const { slots } = plan(baseImages(), without('fal'));
    expect(slots.map(({ candidates }) => candidates.map(({ endpoint }) => endpoint))).toEqual(
      Array.from({ length: 6 }, () => ['/flux-dev']),
    );
    expect(slots[2]?.considered[0]).toMatchObject({ endpoint: 'fal-ai/flux/dev', eligible: false });
  });

  it('have six different seeds that follow from the request, also at the end of the range', () => {
    expect(plan(baseImages({ seed: 4_294_967_294 })).slots.map(({ seed }) => seed)).toEqual([
      4_294_967_294, 4_294_967_295, 0, 1, 2, 3,
    ]);
    const [first] = plan(baseImages(), everythingOn, 77).slots;
    expect(first?.candidates.map(({ parameters }) => parameters['seed'])).toEqual([77, 77]);
  });

  it('show adults in clothes, whatever the prompt says', () => {
    const [slot] = plan(baseImages({ negativePrompt: 'glasses' })).slots;
    const { prompt, negative_prompt: negativePrompt } = slot!.candidates[0]!.parameters;
    expect(prompt).toMatch(/^a woman with red hair, adult, fully dressed/);
    expect(negativePrompt).toMatch(/^glasses, nude/);
  });

  it('keep the size asked for, and its shape where Seedream needs a larger one', () => {
    const { slots } = plan(baseImages({ width: 832, height: 1472 }));
    expect(slots[0]?.candidates[0]?.parameters).toMatchObject({ width: 832, height: 1472 });
    expect(slots[4]?.candidates[0]?.parameters['image_size']).toEqual({ width: 1444, height: 2554 });
  });

  it('are refused when they shall be NSFW, whether or not that is switched on', () => {
    const expected = [{ field: 'nsfw', code: 'base_images_are_sfw' }];
    expect(refusalOf(baseImages({ nsfw: true }))).toMatchObject(expected);
    expect(refusalOf(baseImages({ nsfw: true }), { ...everythingOn, nsfwEnabled: false })).toMatchObject(
      expected,
    );
  });

  it('are refused with both reasons when an NSFW prompt suggests a minor', () => {
    expect(refusalOf(baseImages({ nsfw: true, prompt: 'a schoolgirl' }))).toMatchObject([
      { field: 'nsfw' },
      { field: 'prompt', code: 'minor_suggested' },
    ]);
  });

  it('are refused with the configuration to change when no provider is left', () => {
    const [issue] = refusalOf(baseImages(), without('modal', 'fal'));
    expect(issue).toMatchObject({ field: 'providers', code: 'provider_disabled' });
    expect(issue?.message).toContain('modal is not configured here: set its credential');
  });

  it('wait a day for a provider unless told otherwise, and try six paid attempts a slot', () => {
    expect(plan(baseImages())).toMatchObject({ deadlineSeconds: 86_400, maxPaidAttempts: 6 });
    expect(plan(baseImages({ deadlineSeconds: 600 })).deadlineSeconds).toBe(600);
    expect(plan(baseImages()).parking).toBe(everythingOn.parking);
  });
});
