/** What a slot sends that asks for nothing but a prompt and a seed (and its LoRA, where the endpoint needs one). */
const prompt = 'a red door';
const asked = { prompt, seed: 7 };

const square = { width: 1024, height: 1024 };
const qwenSquare = { width: 1328, height: 1328 };
const lora = { lora_id: 'demo', lora_strength: 1, trigger_word: 'ohwx' };
const clip = { ...asked, width: 832, height: 480, length: 33, fps: 16, steps: 30, cfg: 6 };

const standard = { seed: 7, sync_mode: false, enable_safety_checker: true };
const onePicture = { prompt, num_images: 1, ...standard };
const landscape = { image_size: { width: 1024, height: 768 } };
const flux = { ...onePicture, output_format: 'jpeg', acceleration: 'none', guidance_scale: 3.5 };
const zImage = {
  ...onePicture,
  num_inference_steps: 8,
  output_format: 'png',
  acceleration: 'regular',
  enable_prompt_expansion: false,
};
const edit = { ...onePicture, num_inference_steps: 28, output_format: 'png', acceleration: 'regular' };

const sdxl = { seed: 7, steps: 25, cfg: 7, checkpoint: 'sd_xl_base_1.0.safetensors' };
const sdxlPrompts = { prompt, negative_prompt: '', ...sdxl };

/**
 * The whole default body of every endpoint without its input pictures, from the handlers' and Fal's own defaults: what
 * the schemas leave out is left to the endpoint. Sizes Fal names (`landscape_4_3`, `auto_2K`) are said in pixels.
 */
export const defaultBodies: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  '/flux': { ...asked, ...square, steps: 4, cfg: 1 },
  '/flux-dev': { ...asked, ...square, steps: 20, cfg: 1 },
  '/flux-dev-lora': { ...asked, ...square, ...lora, steps: 20, cfg: 1 },
  '/sdxl-instantid': {
    ...asked,
    ...square,
    negative_prompt: '',
    sdxl_checkpoint: 'sd_xl_base_1.0.safetensors',
    instantid_strength: 0.8,
    steps: 20,
    cfg: 7,
    sampler_name: 'euler',
    scheduler: 'normal',
    face_provider: 'CPU',
  },
  '/flux-pulid': {
    ...asked,
    ...square,
    pulid_weight: 0.9,
    start_at: 0,
    end_at: 1,
    guidance: 3.5,
    steps: 20,
  },
  '/flux-ipadapter-faceid': {
    ...asked,
    ...square,
    ipadapter_strength: 0.8,
    guidance_scale: 3.5,
    timestep_to_start_cfg: 1,
    steps: 20,
    face_provider: 'CPU',
  },
  '/qwen-image-2512': { ...asked, ...qwenSquare, steps: 50, cfg: 4, use_lightning_lora: false },
  '/qwen-image-2512-fast': { ...asked, ...qwenSquare, steps: 4, cfg: 1, use_lightning_lora: false },
  '/qwen-image-2512-lora': { ...asked, ...qwenSquare, ...lora, steps: 50, cfg: 4 },
  '/qwen-image-edit-2511': { instruction: prompt, seed: 7, steps: 50, cfg: 4, denoise: 0.8 },
  '/qwen-image-inpaint-2511': { ...asked, steps: 50, cfg: 4 },
  '/z-image-simple': { ...asked, ...square, steps: 4, cfg: 0 },
  '/z-image-danrisi': { ...asked, ...square, steps: 8, cfg: 0 },
  '/z-image-lora': { ...asked, ...square, ...lora, steps: 9, cfg: 1, nsfw: false },
  '/seedvr2': { seed: 7, resolution: 1080, max_resolution: 4000, max_resolution_2: 4000 },
  '/wan2.6': clip,
  '/wan2.6-lora': { ...clip, ...lora },
  '/wan2.6-r2v': clip,

  'fal-ai/flux/schnell': { ...flux, ...landscape, num_inference_steps: 4 },
  'fal-ai/flux/dev': { ...flux, ...landscape, num_inference_steps: 28 },
  'fal-ai/bytedance/seedream/v4.5/text-to-image': {
    ...onePicture,
    max_images: 1,
    image_size: { width: 2048, height: 2048 },
  },
  'fal-ai/z-image/turbo': { ...zImage, ...landscape },
  'fal-ai/flux-pulid': {
    ...standard,
    ...landscape,
    prompt,
    num_inference_steps: 20,
    guidance_scale: 4,
    id_weight: 1,
    start_step: 0,
    true_cfg: 1,
    negative_prompt: '',
    max_sequence_length: '128',
  },
  'fal-ai/pulid': {
    ...asked,
    ...landscape,
    num_images: 1,
    num_inference_steps: 4,
    guidance_scale: 1.2,
    id_scale: 0.8,
    id_mix: false,
    mode: 'fidelity',
  },
  'fal-ai/flux-2/edit': { ...edit, guidance_scale: 2.5, enable_prompt_expansion: false },
  'fal-ai/flux-2-pro/edit': {
    ...standard,
    prompt,
    image_size: 'auto',
    output_format: 'jpeg',
    safety_tolerance: '2',
  },
  'fal-ai/qwen-image-edit-2511': { ...edit, guidance_scale: 4.5, negative_prompt: '' },
  'fal-ai/clarity-upscaler': {
    ...asked,
    upscale_factor: 2,
    creativity: 0.35,
    resemblance: 0.6,
    guidance_scale: 4,
    num_inference_steps: 18,
    enable_safety_checker: true,
  },
  'fal-ai/aura-sr': { upscale_factor: 4, overlapping_tiles: false, checkpoint: 'v1' },
  'fal-ai/seedvr/upscale/image': {
    seed: 7,
    upscale_mode: 'factor',
    upscale_factor: 2,
    noise_scale: 0.1,
    output_format: 'jpg',
    sync_mode: false,
  },
  'fal-ai/topaz/upscale/image': {
    model: 'Standard V2',
    upscale_factor: 2,
    crop_to_fill: false,
    output_format: 'jpeg',
    subject_detection: 'All',
    face_enhancement: true,
    face_enhancement_strength: 0.8,
  },
  'fal-ai/flux/dev/image-to-image': { ...flux, strength: 0.95, num_inference_steps: 40 },
  'fal-ai/z-image/turbo/image-to-image': { ...zImage, strength: 0.6, image_size: 'auto' },

  'sdxl-text-to-image': { ...sdxlPrompts, ...square },
  'sdxl-instantid': { ...sdxlPrompts, ...square, instantid_strength: 0.8 },
  'sdxl-image-to-image': { ...sdxlPrompts, denoise: 0.6 },
  'sdxl-inpaint': { ...sdxlPrompts, denoise: 1 },
  'upscale-4x': { upscale_model: 'RealESRGAN_x4plus.pth' },
};
