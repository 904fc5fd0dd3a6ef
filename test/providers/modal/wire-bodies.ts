import type { PictureNote } from '../support/model-job';

/** The input pictures of one job, as the journal notes them. */
export interface Notes {
  first: PictureNote;
  second: PictureNote;
  /** The first, sent as bare base64: its type is not on the wire. */
  bare: PictureNote;
}

const text = { prompt: 'a red door', width: 256, height: 320, seed: 7, steps: 8 };
const negative = { negative_prompt: 'blur' };
const lora = { lora_id: 'demo', lora_strength: 0.9, trigger_word: 'ohwx' };
const clip = { ...text, ...negative, length: 5, fps: 8, cfg: 1.5 };

/**
 * What each Modal route must receive for the settings of `modelJob`, written from the handlers' field names: a field
 * under any other name would be ignored in silence.
 */
export const modalWireBodies: Readonly<Record<string, (notes: Notes) => Record<string, unknown>>> = {
  '/flux': () => ({ ...text, ...negative, cfg: 1.5 }),
  '/flux-dev': () => ({ ...text, ...negative, cfg: 1.5 }),
  '/flux-dev-lora': () => ({ ...text, ...negative, ...lora, cfg: 1.5 }),
  '/qwen-image-2512': () => ({ ...text, ...negative, cfg: 1.5, use_lightning_lora: false }),
  '/qwen-image-2512-fast': () => ({ ...text, ...negative, cfg: 1.5, use_lightning_lora: false }),
  '/qwen-image-2512-lora': () => ({ ...text, ...negative, ...lora, cfg: 1.5 }),
  '/z-image-simple': () => ({ ...text, ...negative, cfg: 1.5 }),
  '/z-image-danrisi': () => ({ ...text, ...negative, cfg: 1.5 }),
  '/z-image-lora': () => ({ ...text, ...lora, cfg: 1.5, nsfw: false }),
  '/sdxl-instantid': ({ first }) => ({
    ...text,
    ...negative,
    reference_image: first,
    sdxl_checkpoint: 'sd_xl_base_1.0.safetensors',
    instantid_strength: 0.6,
    cfg: 1.5,
    sampler_name: 'euler',
    scheduler: 'normal',
    face_provider: 'CPU',
  }),
  '/flux-pulid': ({ first }) => ({
    ...text,
    reference_image: first,
    pulid_weight: 0.6,
    start_at: 0,
    end_at: 1,
    guidance: 1.5,
  }),
  '/flux-ipadapter-faceid': ({ first }) => ({
    ...text,
    ...negative,
    reference_image: first,
    ipadapter_strength: 0.6,
    guidance_scale: 1.5,
    timestep_to_start_cfg: 1,
    face_provider: 'CPU',
  }),
  '/qwen-image-edit-2511': ({ first }) => ({
    source_image: first,
    instruction: 'a red door',
    seed: 7,
    steps: 8,
    cfg: 1.5,
    denoise: 0.5,
  }),
  '/qwen-image-inpaint-2511': ({ first, second }) => ({
    source_image: first,
    mask_image: second,
    prompt: 'a red door',
    seed: 7,
    steps: 8,
    cfg: 1.5,
  }),
  '/seedvr2': ({ bare }) => ({
    image: bare,
    resolution: 256,
    max_resolution: 4000,
    max_resolution_2: 4000,
    seed: 7,
  }),
  '/wan2.6': () => clip,
  '/wan2.6-lora': () => ({ ...clip, ...lora }),
  '/wan2.6-r2v': ({ first }) => ({ ...clip, reference_videos: [first] }),
};
