import type { PictureNote } from '../support/model-job';

const standard = { seed: 7, sync_mode: false, enable_safety_checker: true };
const one = { prompt: 'a red door', num_images: 1, ...standard };
const size = { image_size: { width: 256, height: 320 } };
const steps = { num_inference_steps: 8 };
const guided = { ...steps, guidance_scale: 1.5 };
const flux = { ...one, ...size, ...guided, output_format: 'jpeg', acceleration: 'none' };
const zImage = {
  ...one,
  ...steps,
  output_format: 'png',
  acceleration: 'regular',
  enable_prompt_expansion: false,
};

/**
 * What each Fal endpoint must receive for the settings of `modelJob`, written from its input schema: a field under any
 * other name would be dropped in silence.
 */
export const falWireBodies: Readonly<Record<string, (picture: PictureNote) => Record<string, unknown>>> = {
  'fal-ai/flux/schnell': () => flux,
  'fal-ai/flux/dev': () => flux,
  // 256x320 scaled up to the smallest picture Seedream makes.
  'fal-ai/bytedance/seedream/v4.5/text-to-image': () => ({
    ...one,
    max_images: 1,
    image_size: { width: 1718, height: 2147 },
  }),
  'fal-ai/z-image/turbo': () => ({ ...zImage, ...size }),
  'fal-ai/flux-pulid': (picture) => ({
    prompt: 'a red door',
    reference_image_url: picture,
    ...size,
    ...guided,
    id_weight: 0.6,
    start_step: 0,
    true_cfg: 1,
    negative_prompt: 'blur',
    max_sequence_length: '128',
    ...standard,
  }),
  'fal-ai/pulid': (picture) => ({
    prompt: 'a red door',
    reference_images: [{ image_url: picture }],
    ...size,
    ...guided,
    num_images: 1,
    id_scale: 0.6,
    id_mix: false,
    mode: 'fidelity',
    negative_prompt: 'blur',
    seed: 7,
  }),
  'fal-ai/flux-2/edit': (picture) => ({ ...zImage, ...guided, image_urls: [picture] }),
  'fal-ai/flux-2-pro/edit': (picture) => ({
    prompt: 'a red door',
    image_urls: [picture],
    image_size: 'auto',
    output_format: 'jpeg',
    safety_tolerance: '2',
    ...standard,
  }),
  'fal-ai/qwen-image-edit-2511': (picture) => ({
    ...one,
    ...guided,
    image_urls: [picture],
    negative_prompt: 'blur',
    output_format: 'png',
    acceleration: 'regular',
  }),
  'fal-ai/clarity-upscaler': (picture) => ({
    image_url: picture,
    prompt: 'a red door',
    upscale_factor: 4,
    negative_prompt: 'blur',
    creativity: 0.35,
    resemblance: 0.6,
    ...guided,
    seed: 7,
    enable_safety_checker: true,
  }),
  'fal-ai/aura-sr': (picture) => ({
    image_url: picture,
    upscale_factor: 4,
    overlapping_tiles: false,
    checkpoint: 'v1',
  }),
  'fal-ai/seedvr/upscale/image': (picture) => ({
    image_url: picture,
    upscale_mode: 'factor',
    upscale_factor: 4,
    noise_scale: 0.1,
    output_format: 'jpg',
    seed: 7,
    sync_mode: false,
  }),
  'fal-ai/topaz/upscale/image': (picture) => ({
    image_url: picture,
    model: 'Standard V2',
    upscale_factor: 4,
    crop_to_fill: false,
    output_format: 'jpeg',
    subject_detection: 'All',
    face_enhancement: true,
    face_enhancement_strength: 0.8,
  }),
  'fal-ai/flux/dev/image-to-image': (picture) => ({
    ...one,
    ...guided,
    image_url: picture,
    strength: 0.5,
    output_format: 'jpeg',
    acceleration: 'none',
  }),
  'fal-ai/z-image/turbo/image-to-image': (picture) => ({
    ...zImage,
    image_url: picture,
    strength: 0.5,
    image_size: 'auto',
  }),
};
