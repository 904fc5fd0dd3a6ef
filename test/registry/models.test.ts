import { models } from '../../src/registry';
import type { SlotSettings } from '../../src/registry';
import { parseWire } from '../../src/registry/parse-wire';
import { lora } from './fixtures';

/** Every endpoint of the customer's document, and the three upstream routes that give Modal editing and upscaling. */
const documented = {
  modal: [
    ...[
      '/flux',
      '/flux-dev',
      '/qwen-image-2512',
      '/qwen-image-2512-fast',
      '/z-image-simple',
      '/z-image-danrisi',
    ],
    ...['/flux-dev-lora', '/qwen-image-2512-lora', '/z-image-lora'],
    ...['/sdxl-instantid', '/flux-pulid', '/flux-ipadapter-faceid', '/wan2.6', '/wan2.6-lora', '/wan2.6-r2v'],
    ...['/qwen-image-edit-2511', '/qwen-image-inpaint-2511', '/seedvr2'],
  ],
  fal: [
    ...['fal-ai/flux/schnell', 'fal-ai/flux/dev', 'fal-ai/bytedance/seedream/v4.5/text-to-image'],
    ...[
      'fal-ai/z-image/turbo',
      'fal-ai/flux-pulid',
      'fal-ai/pulid',
      'fal-ai/flux-2/edit',
      'fal-ai/flux-2-pro/edit',
    ],
    ...[
      'fal-ai/qwen-image-edit-2511',
      'fal-ai/clarity-upscaler',
      'fal-ai/aura-sr',
      'fal-ai/seedvr/upscale/image',
    ],
    ...[
      'fal-ai/topaz/upscale/image',
      'fal-ai/flux/dev/image-to-image',
      'fal-ai/z-image/turbo/image-to-image',
    ],
  ],
  comfyui: ['sdxl-text-to-image', 'sdxl-instantid', 'sdxl-image-to-image', 'sdxl-inpaint', 'upscale-4x'],
} as const;

const bare: SlotSettings = { prompt: 'a red door', seed: 7, nsfw: false };

function bodyOf(id: string, settings: Partial<SlotSettings> = {}) {
  const model = models.find((candidate) => candidate.id === id)!;
  const needsLora = model.loraBaseModel !== undefined;
  const wire = parseWire(model, { ...bare, ...(needsLora && { lora: lora() }), ...settings });
  if (!wire.ok) throw new Error(wire.problem);
  return wire.parameters;
}

describe('models', () => {
  it.each(['modal', 'fal', 'comfyui'] as const)(
    'holds exactly the documented endpoints of %s',
    (provider) => {
      const held = models.filter((model) => model.provider === provider).map(({ backendId }) => backendId);
      expect([...held].sort()).toEqual([...documented[provider]].sort());
    },
  );

  it('names every model and every endpoint once', () => {
    expect(new Set(models.map(({ id }) => id)).size).toBe(models.length);
    expect(new Set(models.map(({ backendId }) => backendId)).size).toBe(models.length);
  });

  it.each(models)('$id is consistent in itself', (model) => {
    expect(model.id.startsWith(`${model.provider}-`)).toBe(true);
    expect(model.supportsLoRA).toBe(model.loraBaseModel !== undefined);
    expect(model.capabilities.includes('lora')).toBe(model.supportsLoRA);
    expect(model.capabilities.includes('reference-image')).toBe(model.inputs.reference !== undefined);
    expect(model.supportsNSFW).toBe(model.provider !== 'fal');
    expect(model.app === undefined).toBe(model.provider !== 'modal');
    expect(model.studioModes.length).toBeGreaterThan(0);
    expect(model.inputType.includes('image')).toBe(Object.keys(model.inputs).length > 0);
    expect(model.inputType.includes('mask')).toBe(model.inputs.mask !== undefined);
  });

  it.each(models)('$id has a price with its date and source', ({ provider, price }) => {
    if (provider === 'comfyui') expect(price.usd).toBe(0);
    else expect(price.usd).toBeGreaterThan(0);
    expect(price.asOf).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(price.source).not.toBe('');
  });

  it.each(models)('$id gives up by itself before its activity is cut off', ({ policy, typicalSeconds }) => {
    expect(policy.http.totalSeconds).toBeLessThan(policy.startToCloseSeconds);
    expect(policy.http.queueSeconds).toBeLessThanOrEqual(policy.http.totalSeconds);
    expect(policy.startToCloseSeconds).toBeLessThanOrEqual(policy.scheduleToStartSeconds);
    expect(policy.startToCloseSeconds).toBeGreaterThan(typicalSeconds * 2);
  });

  it.each(models)('$id notices a worker that was killed within ten seconds', ({ policy }) => {
    expect(policy.heartbeatSeconds).toBeLessThanOrEqual(10);
  });

  it.each(models)('$id notices a silent or dripping download in time', ({ policy, mediaKind }) => {
    expect(policy.http.idleSeconds).toBeLessThanOrEqual(30);
    expect(policy.http.downloadSeconds).toBe(mediaKind === 'video' ? 180 : 60);
  });

  it.each(models)('$id refuses a field its endpoint does not have', ({ parameters }) => {
    expect(
      parameters.safeParse({ prompt: 'x', instruction: 'x', seed: 1, lora_id: 'x', unheard_of: 1 }).success,
    ).toBe(false);
  });

  it('always says a seed where the endpoint has one', () => {
    const seedless = models.filter(({ parameters }) => !('seed' in parameters.shape)).map(({ id }) => id);
    expect(seedless).toEqual(['fal-aura-sr', 'fal-topaz-upscale', 'comfyui-upscale-4x']);
    for (const { id } of models.filter((model) => !seedless.includes(model.id)))
      expect(bodyOf(id)['seed']).toBe(7);
  });

  it('never lets the safety checker of Fal be off', () => {
    for (const { id, parameters } of models.filter(({ provider }) => provider === 'fal')) {
      if (!('enable_safety_checker' in parameters.shape)) continue;
      expect(bodyOf(id)['enable_safety_checker']).toBe(true);
      const off = { ...bodyOf(id), enable_safety_checker: false };
      expect(parameters.safeParse(off).success).toBe(false);
    }
  });
});

describe('wire bodies', () => {
  const everything: Partial<SlotSettings> = {
    negativePrompt: 'blur',
    width: 832,
    height: 1472,
    steps: 9,
    guidance: 1.25,
    strength: 0.4,
    referenceStrength: 0.7,
    upscaleFactor: 4,
    sourceWidth: 640,
    sourceHeight: 480,
    frames: 49,
    fps: 12,
  };

  it.each([
    [
      'modal-flux',
      {
        prompt: 'a red door',
        negative_prompt: 'blur',
        width: 832,
        height: 1472,
        seed: 7,
        steps: 9,
        cfg: 1.25,
      },
    ],
    [
      'modal-flux-pulid',
      {
        ...{ prompt: 'a red door', width: 832, height: 1472, seed: 7, pulid_weight: 0.7 },
        ...{ start_at: 0, end_at: 1, guidance: 1.25, steps: 9 },
      },
    ],
    [
      'modal-flux-ipadapter-faceid',
      {
        ...{ prompt: 'a red door', negative_prompt: 'blur', width: 832, height: 1472, seed: 7, steps: 9 },
        ...{ ipadapter_strength: 0.7, guidance_scale: 1.25, timestep_to_start_cfg: 1, face_provider: 'CPU' },
      },
    ],
    ['modal-qwen-image-edit-2511', { instruction: 'a red door', seed: 7, steps: 9, cfg: 1.25, denoise: 0.4 }],
    ['modal-seedvr2', { resolution: 1920, max_resolution: 4000, max_resolution_2: 4000, seed: 7 }],
    [
      'modal-wan2.6-r2v',
      {
        ...{
          prompt: 'a red door',
          negative_prompt: 'blur',
          width: 832,
          height: 1472,
          length: 49,
          fps: 12,
          seed: 7,
        },
        ...{ steps: 9, cfg: 1.25 },
      },
    ],
    [
      'fal-flux-dev',
      {
        ...{
          prompt: 'a red door',
          image_size: { width: 832, height: 1472 },
          num_inference_steps: 9,
          seed: 7,
        },
        ...{ guidance_scale: 1.25, num_images: 1, output_format: 'jpeg', acceleration: 'none' },
        ...{ sync_mode: false, enable_safety_checker: true },
      },
    ],
    [
      'fal-pulid',
      {
        ...{
          prompt: 'a red door',
          negative_prompt: 'blur',
          image_size: { width: 832, height: 1472 },
          seed: 7,
        },
        ...{
          num_images: 1,
          num_inference_steps: 9,
          guidance_scale: 1.25,
          id_scale: 0.7,
          id_mix: false,
          mode: 'fidelity',
        },
      },
    ],
    ['fal-aura-sr', { upscale_factor: 4, overlapping_tiles: false, checkpoint: 'v1' }],
    [
      'comfyui-sdxl-inpaint',
      {
        ...{ prompt: 'a red door', negative_prompt: 'blur', seed: 7, steps: 9, cfg: 1.25, denoise: 1 },
        checkpoint: 'sd_xl_base_1.0.safetensors',
      },
    ],
  ])('%s gets our settings under its own field names', (id, body) => {
    expect(bodyOf(id, everything)).toEqual(body);
  });

  it('sends the bare LoRA id and puts the trigger word where the server adds it to the prompt', () => {
    expect(bodyOf('modal-flux-dev-lora')).toMatchObject({
      lora_id: 'demo',
      trigger_word: 'ohwx',
      prompt: 'a red door',
    });
  });

  it('does not send the trigger word a second time when the prompt has it', () => {
    const prompt = 'portrait of OHWX, smiling';
    expect(bodyOf('modal-wan2.6-lora', { prompt })).toMatchObject({ prompt, trigger_word: '' });
    const other = bodyOf('modal-flux-dev-lora', {
      prompt: 'an annual fair',
      lora: lora({ triggerWord: 'ann' }),
    });
    expect(other['trigger_word']).toBe('ann');
  });

  it("gives Qwen its own size for a ratio asked for by name, and the caller's pixels otherwise", () => {
    const byName = bodyOf('modal-qwen-image-2512', { aspectRatio: '9:16', width: 832, height: 1472 });
    expect(byName).toMatchObject({ aspect_ratio: '9:16', width: 928, height: 1664 });
    const unknownToQwen = bodyOf('modal-qwen-image-2512', { aspectRatio: '4:5', width: 896, height: 1120 });
    expect(unknownToQwen).toMatchObject({ width: 896, height: 1120 });
    expect(unknownToQwen).not.toHaveProperty('aspect_ratio');
    expect(bodyOf('modal-qwen-image-2512-lora', { width: 512, height: 512 })).toMatchObject({ width: 512 });
  });

  it.each([
    [1024, 1024],
    [832, 1472],
    [256, 256],
    [2048, 256],
    [1920, 1088],
  ])("scales %i×%i up to Seedream's minimum and keeps the shape", (width, height) => {
    const size = bodyOf('fal-seedream-v4.5', { width, height })['image_size'] as {
      width: number;
      height: number;
    };
    expect(size.width * size.height).toBeGreaterThanOrEqual(2560 * 1440);
    expect(size.width * size.height).toBeLessThan(2560 * 1440 * 1.01);
    expect(Math.abs(size.width / size.height / (width / height) - 1)).toBeLessThan(0.005);
  });

  it('leaves a size alone that Seedream takes', () => {
    expect(bodyOf('fal-seedream-v4.5', { width: 2048, height: 1920 })['image_size']).toEqual({
      width: 2048,
      height: 1920,
    });
  });

  it.each([
    [{ sourceWidth: 1024, sourceHeight: 768 }, 1536],
    [{ sourceWidth: 1024, sourceHeight: 768, upscaleFactor: 3 }, 2304],
    [{ sourceWidth: 2000, sourceHeight: 1000, upscaleFactor: 8 }, 2000],
    [{}, 1080],
  ])('asks /seedvr2 for the shorter side in pixels: %j', (settings, resolution) => {
    expect(bodyOf('modal-seedvr2', settings)['resolution']).toBe(resolution);
  });

  it('tells only the one route that reads it about NSFW', () => {
    const told = models.filter(({ parameters }) => 'nsfw' in parameters.shape).map(({ id }) => id);
    expect(told).toEqual(['modal-z-image-lora']);
    expect(bodyOf('modal-z-image-lora', { nsfw: true })['nsfw']).toBe(true);
  });

  it.each([
    ['modal-flux-dev', { width: 1000, height: 1000 }],
    ['modal-flux-dev', { width: 4096, height: 1024 }],
    ['modal-flux-dev', { steps: 61 }],
    ['modal-sdxl-instantid', { referenceStrength: 2.1 }],
    ['modal-flux-dev-lora', { lora: lora({ loraId: 'character-demo' }) }],
  ])('%s stops %j before it is paid for', (id, settings) => {
    expect(() => bodyOf(id, settings)).toThrow();
  });
});
