import { findModel, models, planRoute, type RouteRequest, type RoutingContext } from '../../src/registry';
import { everythingOn, lora, without } from './fixtures';

function request(fields: Partial<RouteRequest> = {}): RouteRequest {
  const settings = { prompt: 'a red door', seed: 1, width: 1024, height: 1024, nsfw: false };
  return {
    mode: 'creating',
    settings,
    hasReference: false,
    hasSource: false,
    hasMask: false,
    preference: {},
    ...fields,
  };
}

const settings = request().settings;
const nsfw = { ...settings, nsfw: true };

/** Endpoints that may be used, in order. */
function eligible(fields: Partial<RouteRequest>, context: RoutingContext = everythingOn): string[] {
  return planRoute(request(fields), context)
    .filter((candidate) => candidate.eligible)
    .map(({ endpoint }) => endpoint);
}

function reasonOf(
  endpoint: string,
  fields: Partial<RouteRequest>,
  context: RoutingContext = everythingOn,
): string {
  const candidate = planRoute(request(fields), context).find(
    (considered) => considered.endpoint === endpoint,
  );
  expect(candidate).toMatchObject({ eligible: false });
  return candidate?.reason ?? '';
}

describe('planRoute orders', () => {
  it.each<[string, Partial<RouteRequest>, string[]]>([
    ['text', {}, ['/flux-dev', 'fal-ai/flux/dev']],
    ['text, fast', { preference: { quality: 'fast' } }, ['/flux', 'fal-ai/flux/schnell']],
    ['NSFW text', { settings: nsfw }, ['/flux-dev', 'sdxl-text-to-image']],
    ['NSFW text, fast', { settings: nsfw, preference: { quality: 'fast' } }, ['/flux', 'sdxl-text-to-image']],
    ['a reference', { hasReference: true }, ['/sdxl-instantid', 'fal-ai/flux-pulid']],
    ['an NSFW reference', { hasReference: true, settings: nsfw }, ['/sdxl-instantid', 'sdxl-instantid']],
    ['a Flux LoRA', { settings: { ...settings, lora: lora() } }, ['/flux-dev-lora']],
    ['an NSFW Flux LoRA', { settings: { ...nsfw, lora: lora() } }, ['/flux-dev-lora']],
    [
      'a Qwen LoRA',
      { settings: { ...settings, lora: lora({ baseModel: 'qwen' }) } },
      ['/qwen-image-2512-lora'],
    ],
    [
      'a Z-Image LoRA',
      { settings: { ...settings, lora: lora({ baseModel: 'z-image' }) } },
      ['/z-image-lora'],
    ],
    [
      'a variation',
      { mode: 'variations', hasSource: true },
      ['/qwen-image-edit-2511', 'fal-ai/flux/dev/image-to-image', 'fal-ai/z-image/turbo/image-to-image'],
    ],
    [
      'an NSFW variation',
      { mode: 'variations', hasSource: true, settings: nsfw },
      ['/qwen-image-edit-2511', 'sdxl-image-to-image'],
    ],
    [
      'an edit',
      { mode: 'editing', hasSource: true },
      [
        '/qwen-image-edit-2511',
        'fal-ai/qwen-image-edit-2511',
        'fal-ai/flux-2/edit',
        'fal-ai/flux-2-pro/edit',
      ],
    ],
    ['a masked edit', { mode: 'editing', hasSource: true, hasMask: true }, ['/qwen-image-inpaint-2511']],
    [
      'an NSFW masked edit',
      { mode: 'editing', hasSource: true, hasMask: true, settings: nsfw },
      ['/qwen-image-inpaint-2511', 'sdxl-inpaint'],
    ],
    [
      'upscaling',
      { mode: 'upscaling', hasSource: true },
      [
        ...['/seedvr2', 'fal-ai/seedvr/upscale/image', 'fal-ai/clarity-upscaler', 'fal-ai/aura-sr'],
        'fal-ai/topaz/upscale/image',
      ],
    ],
    ['NSFW upscaling', { mode: 'upscaling', hasSource: true, settings: nsfw }, ['/seedvr2', 'upscale-4x']],
    ['a clip', { mode: 'video' }, ['/wan2.6']],
    [
      'a clip with a LoRA',
      { mode: 'video', settings: { ...nsfw, lora: lora({ baseModel: 'wan' }) } },
      ['/wan2.6-lora'],
    ],
    ['a clip after a reference', { mode: 'video', hasReference: true }, ['/wan2.6-r2v']],
  ])('%s', (_name, fields, endpoints) => {
    expect(eligible(fields)).toEqual(endpoints);
  });
});

describe('planRoute preferences', () => {
  it.each<[string, Partial<RouteRequest>, string[]]>([
    [
      'a provider goes first, the others follow',
      { preference: { modelProvider: 'fal' } },
      ['fal-ai/flux/dev', '/flux-dev'],
    ],
    [
      'the pod goes first only when asked for',
      { preference: { modelProvider: 'comfyui' } },
      ['sdxl-text-to-image', '/flux-dev', 'fal-ai/flux/dev'],
    ],
    [
      'the pod goes first for NSFW, too',
      { settings: nsfw, preference: { modelProvider: 'comfyui' } },
      ['sdxl-text-to-image', '/flux-dev'],
    ],
    [
      'a wish for Fal does not bring NSFW there',
      { settings: nsfw, preference: { modelProvider: 'fal' } },
      ['/flux-dev', 'sdxl-text-to-image'],
    ],
    [
      'a wish for Fal does not drop the LoRA',
      { settings: { ...settings, lora: lora() }, preference: { modelProvider: 'fal' } },
      ['/flux-dev-lora'],
    ],
    [
      'a named model goes first, the usual order follows',
      { preference: { model: findModel('seedream-45') } },
      ['fal-ai/bytedance/seedream/v4.5/text-to-image', '/flux-dev', 'fal-ai/flux/dev'],
    ],
    [
      'a named fast model keeps its own fallback',
      { preference: { model: findModel('fal-flux-schnell') } },
      ['fal-ai/flux/schnell', '/flux'],
    ],
    [
      'a named Z-Image model falls back to Z-Image',
      { preference: { model: findModel('modal-z-image-simple') } },
      ['/z-image-simple', '/z-image-danrisi', 'fal-ai/z-image/turbo'],
    ],
    [
      'a named second engine goes before the usual one',
      { hasReference: true, preference: { model: findModel('modal-flux-pulid') } },
      ['/flux-pulid', '/sdxl-instantid', 'fal-ai/flux-pulid'],
    ],
    [
      'strict leaves only the named model',
      { preference: { model: findModel('fal-flux-dev'), strict: true } },
      ['fal-ai/flux/dev'],
    ],
    [
      'strict leaves only the named provider',
      { preference: { modelProvider: 'modal', strict: true } },
      ['/flux-dev'],
    ],
    [
      'a LoRA preference does not send a Flux LoRA to Qwen',
      { settings: { ...settings, lora: lora() }, preference: { modelPreference: 'qwen' } },
      ['/flux-dev-lora'],
    ],
  ])('%s', (_name, fields, endpoints) => {
    expect(eligible(fields)).toEqual(endpoints);
  });

  it.each(models)('reaches $id by its name', (model) => {
    const [mode] = model.studioModes;
    if (mode === undefined) throw new Error('serves no mode');
    const fields = {
      mode,
      settings: {
        ...settings,
        ...(model.loraBaseModel && { lora: lora({ baseModel: model.loraBaseModel }) }),
      },
      hasReference: model.inputs.reference !== undefined,
      hasSource: model.inputs.source !== undefined,
      hasMask: model.inputs.mask !== undefined,
      preference: { model, strict: true },
    };
    expect(eligible(fields)).toEqual([model.backendId]);
  });

  it('says that modelPreference does nothing without a LoRA', () => {
    const [first] = planRoute(request({ preference: { modelPreference: 'qwen' } }), everythingOn);
    expect(first).toMatchObject({ endpoint: '/flux-dev', eligible: true });
    expect(first?.reason).toContain('chooses among LoRA endpoints only');
  });
});

describe('planRoute reasons', () => {
  it.each<[string, Partial<RouteRequest>, RegExp]>([
    ['fal-ai/flux/dev', { settings: nsfw }, /never gets NSFW/],
    ['fal-ai/flux/dev', { settings: { ...settings, lora: lora() } }, /would drop the LoRA/],
    ['/qwen-image-2512-lora', { settings: { ...settings, lora: lora() } }, /trained on flux.*runs qwen/],
    [
      '/flux-dev-lora',
      { settings: { ...settings, lora: lora() }, hasReference: true },
      /would drop the reference/,
    ],
    [
      '/sdxl-instantid',
      { settings: { ...settings, lora: lora() }, hasReference: true },
      /would drop the LoRA/,
    ],
    ['/qwen-image-edit-2511', { mode: 'editing', hasSource: true, hasMask: true }, /would drop the mask/],
    ['sdxl-text-to-image', {}, /stands in for NSFW only/],
    ['/flux-pulid', { hasReference: true }, /one per provider/],
    ['/flux-dev', { preference: { modelProvider: 'fal', strict: true } }, /strict/],
    [
      'fal-ai/flux/schnell',
      { preference: { quality: 'fast' }, settings: { ...settings, steps: 20 } },
      /steps.*<=12/,
    ],
    [
      'fal-ai/flux/schnell',
      { preference: { quality: 'fast' }, settings: { ...settings, steps: 20, guidance: 0.5 } },
      /this steps.*<=12/,
    ],
    ['fal-ai/flux/dev', { settings: { ...settings, guidance: 0.5 } }, /this guidance.*>=1\)/],
    ['fal-ai/flux/dev', { settings: { ...settings, width: 4096 } }, /this width.*image_size\.width.*<=2048/],
    [
      'fal-ai/pulid',
      { hasReference: true, settings: { ...settings, guidance: 3.5 } },
      /this guidance.*<=1\.5/,
    ],
    [
      'fal-ai/flux/dev/image-to-image',
      { mode: 'variations', hasSource: true, settings: { ...settings, strength: 0 } },
      /this strength.*>=0\.01/,
    ],
    [
      'fal-ai/z-image/turbo/image-to-image',
      { mode: 'variations', hasSource: true, settings: { ...settings, steps: 9 } },
      /this steps.*<=8/,
    ],
    [
      'fal-ai/aura-sr',
      { mode: 'upscaling', hasSource: true, settings: { ...settings, upscaleFactor: 2 } },
      /upscaleFactor/,
    ],
    [
      'upscale-4x',
      { mode: 'upscaling', hasSource: true, settings: { ...nsfw, upscaleFactor: 2 } },
      /always makes 4×/,
    ],
  ])('%s is struck out of %j', (endpoint, fields, reason) => {
    expect(reasonOf(endpoint, fields)).toMatch(reason);
  });

  it('strikes out a provider that is switched off, and says what would switch it on', () => {
    expect(reasonOf('/flux-dev', {}, without('modal'))).toContain('set its credential');
    expect(eligible({}, without('modal'))).toEqual(['fal-ai/flux/dev']);
  });

  it('blames the request rather than the configuration when both stand in the way', () => {
    expect(reasonOf('fal-ai/flux/dev', { settings: nsfw }, without('fal'))).toMatch(/never gets NSFW/);
  });

  it('tells which settings a fallback has no field for', () => {
    const wishes = { ...settings, negativePrompt: 'blur', steps: 20 };
    const [modal, fal] = planRoute(request({ settings: wishes }), everythingOn);
    expect(modal?.reason).not.toContain('no field');
    expect(fal?.reason).toContain('has no field for negativePrompt');
  });

  it('prices each candidate and says what keeps the character', () => {
    const [modal] = planRoute(request({ hasReference: true }), everythingOn);
    expect(modal).toMatchObject({ identity: 'reference', priceUsd: 0.015718, typicalSeconds: 29 });
    const [withLora] = planRoute(request({ settings: { ...settings, lora: lora() } }), everythingOn);
    expect(withLora).toMatchObject({ identity: 'lora' });
    expect(planRoute(request(), everythingOn)[0]).toMatchObject({ identity: 'none' });
  });
});
