import { selectStudioEndpoint, selectStudioProvider, type StudioSelectionInput } from '../../src/registry';

/** The customer's table, row by row; the first row that fits decides. */
function documentSays(input: StudioSelectionInput): [provider: string, endpoint: string] {
  const hasLora = input.useLora === true && input.loraAvailable === true;
  const requested = input.modelProvider ?? 'modal';
  const fast = input.quality === 'fast';
  if (hasLora && input.modelPreference === 'qwen') return ['modal', '/qwen-image-2512-lora'];
  if (hasLora) return ['modal', '/flux-dev-lora'];
  if (input.nsfw && input.referenceImageUrl) return ['modal', '/sdxl-instantid'];
  if (input.nsfw) return ['modal', fast ? '/flux' : '/flux-dev'];
  if (input.referenceImageUrl && requested === 'fal') return ['fal', 'fal-ai/flux-pulid'];
  if (input.referenceImageUrl) return ['modal', '/sdxl-instantid'];
  if (requested === 'fal') return ['fal', fast ? 'fal-ai/flux/schnell' : 'fal-ai/flux/dev'];
  return ['modal', fast ? '/flux' : '/flux-dev'];
}

function everyCombination(
  modelProviders: readonly StudioSelectionInput['modelProvider'][],
): StudioSelectionInput[] {
  const flags = [true, false, undefined];
  const inputs: StudioSelectionInput[] = [];
  for (const useLora of flags)
    for (const loraAvailable of flags)
      for (const referenceImageUrl of ['/v1/assets/1', '', undefined])
        for (const nsfw of flags)
          for (const modelProvider of modelProviders)
            for (const modelPreference of ['flux', 'qwen', 'z-image', undefined] as const)
              for (const quality of ['fast', 'high', undefined] as const)
                inputs.push({
                  useLora,
                  loraAvailable,
                  referenceImageUrl,
                  nsfw,
                  modelProvider,
                  modelPreference,
                  quality,
                });
  return inputs;
}

describe('selectStudioProvider and selectStudioEndpoint', () => {
  const inputs = everyCombination(['modal', 'fal', undefined]);

  it(`give the document's result for each of ${inputs.length} combinations`, () => {
    const different = inputs.filter((input) => {
      const provider = selectStudioProvider(input);
      const [expectedProvider, expectedEndpoint] = documentSays(input);
      return provider !== expectedProvider || selectStudioEndpoint(input, provider) !== expectedEndpoint;
    });
    expect(different).toEqual([]);
  });

  it('name a graph of the pod where the pod was asked for and may be used', () => {
    const pod = { modelProvider: 'comfyui' } as const;
    expect(selectStudioProvider(pod)).toBe('comfyui');
    expect(selectStudioEndpoint(pod, 'comfyui')).toBe('sdxl-text-to-image');
    expect(selectStudioEndpoint({ ...pod, referenceImageUrl: '/v1/assets/1' }, 'comfyui')).toBe(
      'sdxl-instantid',
    );
    expect(selectStudioProvider({ ...pod, nsfw: true })).toBe('modal');
    expect(selectStudioProvider({ ...pod, useLora: true, loraAvailable: true })).toBe('modal');
  });
});
