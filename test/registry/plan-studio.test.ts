import type { FlowRequest } from '../../src/domain/requests';
import { everythingOn, lora, picture, plan, refusalOf, studio, without } from './fixtures';

const asset = '/v1/assets/asset-1';

describe('studio plans', () => {
  it('have a slot and a seed for each picture', () => {
    const { slots, deadlineSeconds } = plan(studio({ prompt: 'x', count: 3, seed: 5 }));
    expect(slots.map(({ slot, seed, label }) => [slot, seed, label])).toEqual([
      [1, 5, 'creating 1'],
      [2, 6, 'creating 2'],
      [3, 7, 'creating 3'],
    ]);
    expect(deadlineSeconds).toBe(6 * 3600);
  });

  it('give every fallback the same shape, though endpoints differ in their own', () => {
    const { candidates } = plan(studio({ prompt: 'x' })).slots[0]!;
    expect(candidates[0]?.parameters).toMatchObject({ width: 1024, height: 1024 });
    expect(candidates[1]?.parameters['image_size']).toEqual({ width: 1024, height: 1024 });
    const tall = plan(studio({ prompt: 'x', aspectRatio: '9:16' })).slots[0]!;
    expect(tall.candidates[0]?.parameters).toMatchObject({ width: 832, height: 1472 });
    const clip = plan(studio({ prompt: 'x', mode: 'video', aspectRatio: '9:16' })).slots[0]!;
    expect(clip.candidates[0]).toMatchObject({ mediaKind: 'video', parameters: { width: 480, height: 832 } });
  });

  it('send each picture in the field and the form its endpoint wants', () => {
    const fields = {
      mode: 'editing',
      prompt: 'a hat',
      sourceImageUrl: asset,
      maskImageUrl: asset,
      nsfw: true,
    };
    const [modal, pod] = plan(studio(fields)).slots[0]!.candidates;
    expect(modal?.inputs.map(({ field, encoding, assetId }) => [field, encoding, assetId])).toEqual([
      ['source_image', 'data-url', 'asset-1'],
      ['mask_image', 'data-url', 'asset-mask'],
    ]);
    expect(pod?.inputs.map(({ field, encoding }) => [field, encoding])).toEqual([
      ['source_image', 'upload'],
      ['mask_image', 'upload'],
    ]);
  });

  it('leave a picture that is too large for a body to the endpoint that is sent it by URL, and refuse it where there is none', () => {
    const upscale = (bytes: number, fields: object = {}): FlowRequest => {
      const order = studio({ mode: 'upscaling', sourceImageUrl: asset, ...fields });
      const source = { assetId: 'asset-1', mediaType: 'image/png', width: 512, height: 512, bytes };
      return { ...order, assets: { source } } as FlowRequest;
    };
    const providers = (bytes: number) =>
      new Set(plan(upscale(bytes)).slots[0]?.candidates.map(({ provider }) => provider));

    expect(providers(16 * 1024 * 1024)).toEqual(new Set(['modal', 'fal']));
    expect(providers(16 * 1024 * 1024 + 1)).toEqual(new Set(['fal']));
    expect(refusalOf(upscale(20e6, { modelProvider: 'modal', strict: true }))).toMatchObject([
      { field: 'sourceImageUrl', code: 'input_too_large' },
    ]);
  });

  it("use the request's LoRA strength before the LoRA's own", () => {
    const strong = plan(studio({ prompt: 'x', useLora: true, loraStrength: 1.4 }, lora({ strength: 0.6 })));
    expect(strong.slots[0]?.candidates[0]?.parameters['lora_strength']).toBe(1.4);
    const usual = plan(studio({ prompt: 'x', useLora: true }, lora({ strength: 0.6 })));
    expect(usual.slots[0]?.candidates[0]?.parameters['lora_strength']).toBe(0.6);
  });

  it('do not use a LoRA nobody asked for', () => {
    expect(plan(studio({ prompt: 'x' }, lora())).slots[0]?.candidates[0]?.endpoint).toBe('/flux-dev');
  });

  it('carry everything a provider client needs', () => {
    const [candidate] = plan(studio({ prompt: 'x' })).slots[0]!.candidates;
    expect(candidate).toMatchObject({
      app: 'ryla-flux',
      mediaKind: 'image',
      inputs: [],
      policy: { name: 'modal-image' },
    });
    expect(JSON.parse(JSON.stringify(candidate))).toEqual(candidate);
  });

  it('let a clip follow a still or a clip', () => {
    const fields = { mode: 'video', prompt: 'x', referenceImageUrl: asset };
    expect(plan(studio(fields)).slots[0]?.candidates[0]).toMatchObject({
      endpoint: '/wan2.6-r2v',
      inputs: [{ field: 'reference_videos', shape: 'list' }],
    });
  });
});

describe('studio refusals', () => {
  it.each<[string, Record<string, unknown>, [field: string, code: string][]]>([
    ['no prompt', {}, [['prompt', 'prompt_required']]],
    ['a variation of nothing', { mode: 'variations', prompt: 'x' }, [['sourceImageUrl', 'source_required']]],
    ['an edit of nothing', { mode: 'editing', prompt: 'x' }, [['sourceImageUrl', 'source_required']]],
    ['upscaling nothing', { mode: 'upscaling' }, [['sourceImageUrl', 'source_required']]],
    ['a mask in creating', { prompt: 'x', maskImageUrl: asset }, [['maskImageUrl', 'field_not_used']]],
    ['a source in creating', { prompt: 'x', sourceImageUrl: asset }, [['sourceImageUrl', 'field_not_used']]],
    ['a clip length for a picture', { prompt: 'x', frames: 33 }, [['frames', 'field_not_used']]],
    [
      'a reference in editing',
      { mode: 'editing', prompt: 'x', sourceImageUrl: asset, referenceImageUrl: asset },
      [['referenceImageUrl', 'field_not_used']],
    ],
    [
      'a size for upscaling',
      { mode: 'upscaling', sourceImageUrl: asset, width: 512, height: 512 },
      [
        ['width', 'field_not_used'],
        ['height', 'field_not_used'],
      ],
    ],
    ['half a size', { prompt: 'x', width: 512 }, [['height', 'size_incomplete']]],
    [
      'two sizes',
      { prompt: 'x', width: 512, height: 512, aspectRatio: '1:1' },
      [['aspectRatio', 'size_twice']],
    ],
    ['strict about nothing', { prompt: 'x', strict: true }, [['strict', 'nothing_to_be_strict_about']]],
    [
      'the weight of no reference',
      { prompt: 'x', referenceStrength: 1 },
      [['referenceStrength', 'needs_reference']],
    ],
    ['a LoRA id without useLora', { prompt: 'x', loraId: 'demo' }, [['loraId', 'needs_use_lora']]],
    [
      'a LoRA strength without useLora',
      { prompt: 'x', loraStrength: 1 },
      [['loraStrength', 'needs_use_lora']],
    ],
    ['a LoRA nobody trained', { prompt: 'x', useLora: true }, [['useLora', 'lora_unavailable']]],
    [
      'a LoRA that is not there',
      { prompt: 'x', useLora: true, loraId: 'gone' },
      [['loraId', 'lora_unavailable']],
    ],
    ['a model nobody has', { prompt: 'x', modelId: 'flux-lora' }, [['modelId', 'unknown_model']]],
    [
      'a model that cannot do it',
      { prompt: 'x', modelId: 'modal-seedvr2' },
      [['modelId', 'capability_missing']],
    ],
    [
      'a LoRA model without a LoRA',
      { prompt: 'x', modelId: 'modal-flux-dev-lora' },
      [['useLora', 'lora_required']],
    ],
    [
      'a reference model without a reference',
      { prompt: 'x', modelId: 'modal-flux-pulid' },
      [['referenceImageUrl', 'reference_required']],
    ],
    [
      'a mask model without a mask',
      { mode: 'editing', prompt: 'x', sourceImageUrl: asset, modelId: 'modal-qwen-image-inpaint-2511' },
      [['maskImageUrl', 'mask_required']],
    ],
    [
      'a model that would drop the reference',
      { prompt: 'x', modelId: 'modal-flux-dev', referenceImageUrl: asset },
      [['modelId', 'reference_dropped']],
    ],
    [
      'NSFW on a Fal-only model',
      { prompt: 'x', modelId: 'seedream-45', nsfw: true },
      [
        ['modelId', 'nsfw_unsupported'],
        ['nsfw', 'nsfw_unsupported'],
      ],
    ],
    [
      'NSFW strictly on Fal',
      { prompt: 'x', modelProvider: 'fal', strict: true, nsfw: true },
      [['modelProvider', 'no_route']],
    ],
    [
      'a setting the named model cannot take',
      { prompt: 'x', modelId: 'fal-flux-schnell', steps: 40 },
      [['steps', 'setting_unsupported']],
    ],
    [
      'an NSFW prompt about a minor',
      { prompt: 'a t33nager at the beach', nsfw: true },
      [['prompt', 'minor_suggested']],
    ],
    [
      'several things at once',
      { maskImageUrl: asset, width: 512, modelId: 'nope' },
      [
        ['maskImageUrl', 'field_not_used'],
        ['prompt', 'prompt_required'],
        ['height', 'size_incomplete'],
        ['modelId', 'unknown_model'],
      ],
    ],
  ])('%s', (_name, fields, expected) => {
    expect(refusalOf(studio(fields)).map(({ field, code }) => [field, code])).toEqual(expected);
  });

  it('a LoRA and a reference together, as no endpoint takes both', () => {
    const request = studio({ prompt: 'x', useLora: true, referenceImageUrl: asset }, lora());
    expect(refusalOf(request)).toMatchObject([
      { field: 'useLora', code: 'lora_and_reference' },
      { field: 'referenceImageUrl', code: 'lora_and_reference' },
    ]);
  });

  it.each([
    ['video', 'flux'],
    ['creating', 'wan'],
  ] as const)('%s with a LoRA trained on %s', (mode, baseModel) => {
    const request = studio({ prompt: 'x', mode, useLora: true }, lora({ baseModel }));
    expect(refusalOf(request)).toMatchObject([{ field: 'loraId', code: 'lora_base_model' }]);
  });

  it('a LoRA in a mode whose endpoints would drop it', () => {
    const request = studio({ mode: 'editing', prompt: 'x', sourceImageUrl: asset, useLora: true }, lora());
    expect(refusalOf(request)).toMatchObject([{ field: 'useLora', code: 'field_not_used' }]);
  });

  it('a trigger word that suggests a minor', () => {
    const request = studio({ prompt: 'x', useLora: true, nsfw: true }, lora({ triggerWord: 'sch00lgirl' }));
    expect(refusalOf(request)).toMatchObject([{ field: 'loraId', code: 'minor_suggested' }]);
  });

  it('a minor in an NSFW prompt also while NSFW is switched off', () => {
    const off = { ...everythingOn, nsfwEnabled: false };
    expect(refusalOf(studio({ prompt: 'a child', nsfw: true }), off)).toMatchObject([
      { field: 'nsfw', code: 'nsfw_disabled' },
      { field: 'prompt', code: 'minor_suggested' },
    ]);
  });

  it('does not read a negative prompt as a wish', () => {
    const fields = { prompt: 'a woman', negativePrompt: 'child, teenager', nsfw: true };
    expect(plan(studio(fields)).slots).toHaveLength(1);
  });

  it('a clip where a picture is needed', () => {
    const request = studio({ prompt: 'x', referenceImageUrl: asset });
    if (request.flow !== 'studio') throw new Error('not a studio request');
    const clip = { ...picture, mediaType: 'video/mp4' };
    expect(refusalOf({ ...request, assets: { reference: clip } })).toMatchObject([
      { field: 'referenceImageUrl', code: 'wrong_media_type' },
    ]);
  });

  it('a picture that was given but not found', () => {
    const request = studio({ prompt: 'x', referenceImageUrl: asset });
    if (request.flow !== 'studio') throw new Error('not a studio request');
    expect(refusalOf({ ...request, assets: {} })).toMatchObject([
      { field: 'referenceImageUrl', code: 'unknown_asset' },
    ]);
  });

  it('names the configuration when only that stands in the way', () => {
    const [issue] = refusalOf(studio({ prompt: 'x', useLora: true }, lora()), without('modal'));
    expect(issue).toMatchObject({ field: 'providers', code: 'provider_disabled' });
    const strict = studio({ prompt: 'x', modelProvider: 'comfyui', strict: true });
    expect(refusalOf(strict, without('comfyui'))).toMatchObject([{ field: 'providers' }]);
  });
});
