/** Values of one wire field at its limits, and the nearest ones outside them. */
interface Limit {
  inside: readonly unknown[];
  outside: readonly unknown[];
}
type Limits = Readonly<Record<string, Limit>>;

const whole = (minimum: number, maximum: number): Limit => ({
  inside: [minimum, maximum],
  outside: [minimum - 1, maximum + 1, minimum + 0.5],
});
const real = (minimum: number, maximum: number): Limit => ({
  inside: [minimum, maximum],
  outside: [minimum - 0.001, maximum + 0.001],
});
const text = (minimum: number, maximum: number): Limit => ({
  inside: ['x'.repeat(minimum), 'x'.repeat(maximum)],
  outside: ['x'.repeat(maximum + 1), ...(minimum > 0 ? [''] : []), null],
});
const oneOf = (...values: string[]): Limit => ({ inside: values, outside: ['another', null] });
const only = (value: unknown, ...others: unknown[]): Limit => ({ inside: [value], outside: others });

const share = real(0, 1);
const weight = real(0, 2);
const flag: Limit = { inside: [true, false], outside: ['true', 1] };
const never = only(false, true);
const name: Limit = { inside: ['x'], outside: ['', 7] };
const anyText: Limit = { inside: ['', 'x'], outside: [7] };
const seed = whole(0, 4_294_967_295);
const pixels: Limit = { inside: [256, 2048], outside: [240, 2064, 1000] };

const prompt = text(1, 8000);
const negative_prompt = text(0, 4000);
const square = { width: pixels, height: pixels };
const sampled = { seed, steps: whole(1, 60), cfg: real(0, 20) };
const qwenSize = { ...square, aspect_ratio: oneOf('1:1', '16:9', '9:16', '4:3', '3:4', '3:2', '2:3') };
const lora = {
  lora_id: { inside: ['demo'], outside: ['', 'character-demo'] },
  lora_strength: weight,
  trigger_word: anyText,
};
const face_provider = oneOf('CPU', 'CUDA');
const text2image = { prompt, negative_prompt, ...square, ...sampled };
const clip = { ...text2image, length: whole(5, 161), fps: whole(4, 30) };

/** `image_size`: Fal's six names, the endpoint's own ones, and pixels within a range of sides. */
function imageSize(minimum: number, maximum: number, ...ownNames: string[]): Limit {
  const side = (width: number, height = 1024) => ({ width, height });
  const names = ['square_hd', 'square', 'portrait_4_3', 'portrait_16_9', 'landscape_4_3', 'landscape_16_9'];
  return {
    inside: [...names, ...ownNames, side(minimum), side(maximum), side(1024, minimum), side(1024, maximum)],
    outside: [
      ...[side(minimum - 1), side(maximum + 1), side(1024, minimum - 1), side(1024, maximum + 1)],
      ...['huge', { width: 1024 }, { ...side(1024), depth: 1 }, 'auto', 'auto_2K'].filter(
        (value) => !ownNames.some((own) => own === value),
      ),
    ],
  };
}

const seedreamSize: Limit = {
  inside: [
    ...['square_hd', 'auto_2K', 'auto_4K', { width: 1920, height: 1920 }, { width: 2560, height: 1440 }],
    ...[
      { width: 4096, height: 4096 },
      { width: 14_142, height: 1000 },
    ],
  ],
  outside: [
    ...['auto', { width: 1919, height: 1919 }, { width: 2560, height: 1439 }, { width: 4097, height: 4096 }],
    ...[
      { width: 14_143, height: 1000 },
      { width: 0, height: 4_000_000 },
    ],
  ],
};

const standard = { seed, sync_mode: never, enable_safety_checker: only(true, false) };
const onePicture = { prompt, num_images: only(1, 0, 2), ...standard };
const output_format = oneOf('jpeg', 'png');
const anyFormat = oneOf('jpeg', 'png', 'webp');
const acceleration = oneOf('none', 'regular', 'high');
const steps = (maximum: number) => ({ num_inference_steps: whole(1, maximum) });
const fluxGuidance = { guidance_scale: real(1, 20) };
const flux = { ...onePicture, ...fluxGuidance, output_format, acceleration };
const zImage = {
  ...onePicture,
  ...steps(8),
  output_format: anyFormat,
  acceleration,
  enable_prompt_expansion: never,
};
const edit = {
  ...onePicture,
  ...steps(50),
  guidance_scale: real(0, 20),
  output_format: anyFormat,
  acceleration,
};

const sdxl = { prompt, negative_prompt, ...sampled, checkpoint: name };

/** Every field of every endpoint. Fal's limits are Fal's; where a handler checks nothing they are ours. */
export const wireLimits: Readonly<Record<string, Limits>> = {
  '/flux': text2image,
  '/flux-dev': text2image,
  '/flux-dev-lora': { ...text2image, ...lora },
  '/sdxl-instantid': {
    ...text2image,
    sdxl_checkpoint: oneOf(
      'sd_xl_base_1.0.safetensors',
      'RealVisXL_V4.0.safetensors',
      'Juggernaut-XL_v9_RunDiffusionPhoto_v2.safetensors',
    ),
    instantid_strength: weight,
    sampler_name: anyText,
    scheduler: anyText,
    face_provider,
  },
  '/flux-pulid': {
    ...{ prompt, ...square, seed, steps: whole(1, 60), guidance: real(0, 20) },
    ...{ pulid_weight: weight, start_at: share, end_at: share },
  },
  '/flux-ipadapter-faceid': {
    ...{ prompt, negative_prompt, ...square, seed, steps: whole(1, 60), guidance_scale: real(0, 20) },
    ...{ ipadapter_strength: weight, timestep_to_start_cfg: whole(0, 60), face_provider },
  },
  '/qwen-image-2512': { ...text2image, ...qwenSize, use_lightning_lora: flag },
  '/qwen-image-2512-fast': { ...text2image, ...qwenSize, use_lightning_lora: flag },
  '/qwen-image-2512-lora': { ...text2image, ...qwenSize, ...lora },
  '/qwen-image-edit-2511': { instruction: prompt, ...sampled, denoise: share },
  '/qwen-image-inpaint-2511': { prompt, ...sampled },
  '/z-image-simple': text2image,
  '/z-image-danrisi': text2image,
  '/z-image-lora': { prompt, ...square, ...sampled, ...lora, nsfw: flag },
  '/seedvr2': {
    seed,
    resolution: whole(16, 4000),
    max_resolution: whole(16, 4000),
    max_resolution_2: whole(16, 4000),
  },
  '/wan2.6': clip,
  '/wan2.6-lora': { ...clip, ...lora },
  '/wan2.6-r2v': clip,

  'fal-ai/flux/schnell': { ...flux, ...steps(12), image_size: imageSize(256, 2048) },
  'fal-ai/flux/dev': { ...flux, ...steps(50), image_size: imageSize(256, 2048) },
  'fal-ai/bytedance/seedream/v4.5/text-to-image': {
    ...onePicture,
    max_images: only(1, 0, 2),
    image_size: seedreamSize,
  },
  'fal-ai/z-image/turbo': { ...zImage, image_size: imageSize(256, 2048) },
  'fal-ai/flux-pulid': {
    ...{ prompt, negative_prompt, ...standard, ...steps(50), ...fluxGuidance },
    ...{ image_size: imageSize(256, 2048), id_weight: weight, start_step: whole(0, 50) },
    ...{ true_cfg: real(1, 10), max_sequence_length: oneOf('128', '256', '512') },
  },
  'fal-ai/pulid': {
    ...{ prompt, negative_prompt, seed, num_images: only(1, 0, 2), ...steps(12) },
    ...{ image_size: imageSize(256, 2048), guidance_scale: real(1, 1.5), id_scale: weight, id_mix: flag },
    mode: oneOf('fidelity', 'extreme style'),
  },
  'fal-ai/flux-2/edit': { ...edit, image_size: imageSize(512, 2048), enable_prompt_expansion: never },
  'fal-ai/flux-2-pro/edit': {
    ...{ prompt, ...standard, output_format, image_size: imageSize(256, 2048, 'auto') },
    safety_tolerance: oneOf('1', '2', '3', '4', '5'),
  },
  'fal-ai/qwen-image-edit-2511': { ...edit, negative_prompt, image_size: imageSize(256, 2048) },
  'fal-ai/clarity-upscaler': {
    ...{ prompt, negative_prompt, seed, upscale_factor: real(1, 4), guidance_scale: real(0, 20) },
    ...{ creativity: share, resemblance: share, ...steps(50), enable_safety_checker: only(true, false) },
  },
  'fal-ai/aura-sr': {
    upscale_factor: only(4, 2, 3, 5),
    overlapping_tiles: flag,
    checkpoint: oneOf('v1', 'v2'),
  },
  'fal-ai/seedvr/upscale/image': {
    ...{ seed, sync_mode: never, upscale_factor: real(1, 10), noise_scale: share },
    upscale_mode: oneOf('target', 'factor'),
    target_resolution: oneOf('720p', '1080p', '1440p', '2160p'),
    output_format: oneOf('png', 'jpg', 'webp'),
  },
  'fal-ai/topaz/upscale/image': {
    model: oneOf(
      ...['Low Resolution V2', 'Standard V2', 'CGI', 'High Fidelity V2', 'Text Refine', 'Recovery'],
      ...['Redefine', 'Recovery V2', 'Standard MAX', 'Wonder'],
    ),
    ...{ upscale_factor: real(1, 4), crop_to_fill: flag, output_format },
    subject_detection: oneOf('All', 'Foreground', 'Background'),
    ...{ face_enhancement: flag, face_enhancement_strength: share, face_enhancement_creativity: share },
    ...{ sharpen: share, denoise: share, detail: share, fix_compression: share },
    ...{ strength: real(0.01, 1), creativity: whole(1, 6), texture: whole(1, 5) },
    ...{ prompt: text(0, 1024), autoprompt: flag },
  },
  'fal-ai/flux/dev/image-to-image': { ...flux, ...steps(50), strength: real(0.01, 1) },
  'fal-ai/z-image/turbo/image-to-image': {
    ...zImage,
    strength: share,
    image_size: imageSize(256, 2048, 'auto'),
  },

  'sdxl-text-to-image': { ...sdxl, ...square },
  'sdxl-instantid': { ...sdxl, ...square, instantid_strength: weight },
  'sdxl-image-to-image': { ...sdxl, denoise: share },
  'sdxl-inpaint': { ...sdxl, denoise: share },
  'upscale-4x': { upscale_model: name },
};
