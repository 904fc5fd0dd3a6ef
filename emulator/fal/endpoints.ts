import { z } from 'zod';
import {
  acceleration,
  choice,
  flag,
  imageCount,
  imageSize,
  integer,
  number,
  required,
  seed,
  sizeField,
  standard,
  text,
} from './fields';

/** One emulated endpoint: what it takes, what it gives, what it costs. */
export interface FalEndpoint {
  id: string;
  /** Unknown fields are dropped, as the real server does. */
  input: z.ZodObject;
  /** Fields with the pictures it needs, in the order they are fetched. */
  pictures?: readonly PictureField[];
  output: 'images-flagged' | 'images' | 'image-seed-timings' | 'image-timings' | 'image-seed' | 'image';
  /** `source`: the size of the input picture; `enlarged`: that times the factor asked for. */
  size: 'landscape_4_3' | 'seedream' | 'source' | 'enlarged';
  /** When the endpoint has no `output_format`. */
  format: 'jpeg' | 'png';
  /** USD. */
  price: { usd: number; per: 'megapixel' | 'image' };
  seconds: number;
}

export interface PictureField {
  field: string;
  shape: 'url' | 'urls' | 'objects';
  /** A face is kept in a new scene; a source fills the frame. */
  use: 'face' | 'source';
}

const perMegapixel = (usd: number): FalEndpoint['price'] => ({ usd, per: 'megapixel' });
const perImage = (usd: number): FalEndpoint['price'] => ({ usd, per: 'image' });

const urls = z.array(z.string()).min(1);
const source: readonly PictureField[] = [{ field: 'image_url', shape: 'url', use: 'source' }];
const sources: readonly PictureField[] = [{ field: 'image_urls', shape: 'urls', use: 'source' }];
const steps = (fallback: number, maximum = 50): z.ZodType => integer(1, maximum, fallback);
const jpegOrPng = choice(['jpeg', 'png'], 'jpeg');
const anyFormat = choice(['jpeg', 'png', 'webp'], 'png');

const flux = {
  prompt: required,
  image_size: sizeField().default('landscape_4_3'),
  guidance_scale: number(1, 20, 3.5),
  num_images: imageCount,
  output_format: jpegOrPng,
  acceleration: acceleration('none'),
  ...standard,
};

const seedreamSize = imageSize().refine(fitsSeedream, {
  message:
    'Image size must have each side between 1920 and 4096, or total pixels between 2560x1440 and 4096x4096',
});

/** Every endpoint in use, with upstream's price list of January 2025. */
export const falEndpoints: readonly FalEndpoint[] = [
  {
    id: 'fal-ai/flux/schnell',
    input: z.object({ ...flux, num_inference_steps: steps(4, 12) }),
    output: 'images-flagged',
    size: 'landscape_4_3',
    format: 'jpeg',
    price: perMegapixel(0.003),
    seconds: 2,
  },
  {
    id: 'fal-ai/flux/dev',
    input: z.object({ ...flux, num_inference_steps: steps(28) }),
    output: 'images-flagged',
    size: 'landscape_4_3',
    format: 'jpeg',
    price: perMegapixel(0.025),
    seconds: 6,
  },
  {
    id: 'fal-ai/bytedance/seedream/v4.5/text-to-image',
    input: z.object({
      prompt: required,
      image_size: sizeField({ extra: ['auto_2K', 'auto_4K'], size: seedreamSize }).default('auto_2K'),
      num_images: integer(1, 6, 1),
      max_images: integer(1, 6, 1),
      ...standard,
    }),
    output: 'images',
    size: 'seedream',
    format: 'png',
    price: perImage(0.04),
    seconds: 12,
  },
  {
    id: 'fal-ai/z-image/turbo',
    input: z.object({
      prompt: required,
      image_size: sizeField().default('landscape_4_3'),
      num_inference_steps: steps(8, 8),
      num_images: imageCount,
      output_format: anyFormat,
      acceleration: acceleration('regular'),
      enable_prompt_expansion: flag(false),
      ...standard,
    }),
    output: 'images-flagged',
    size: 'landscape_4_3',
    format: 'png',
    price: perMegapixel(0.005),
    seconds: 3,
  },
  {
    id: 'fal-ai/flux-pulid',
    input: z.object({
      prompt: required,
      reference_image_url: required,
      image_size: sizeField().default('landscape_4_3'),
      num_inference_steps: steps(20),
      guidance_scale: number(1, 20, 4),
      id_weight: number(0, 3, 1),
      start_step: integer(0, 50, 0),
      true_cfg: number(0, 20, 1),
      negative_prompt: text(''),
      max_sequence_length: choice(['128', '256', '512'], '128'),
      ...standard,
    }),
    pictures: [{ field: 'reference_image_url', shape: 'url', use: 'face' }],
    output: 'images-flagged',
    size: 'landscape_4_3',
    format: 'jpeg',
    price: perMegapixel(0.0333),
    seconds: 12,
  },
  {
    id: 'fal-ai/pulid',
    input: z.object({
      prompt: required,
      reference_images: z.array(z.object({ image_url: z.string() })).min(1),
      image_size: sizeField().default('landscape_4_3'),
      num_images: imageCount,
      num_inference_steps: steps(4, 12),
      guidance_scale: number(1, 1.5, 1.2),
      id_scale: number(0, 5, 0.8),
      id_mix: flag(false),
      mode: choice(['fidelity', 'extreme style'], 'fidelity'),
      negative_prompt: text('flaws in the eyes, flaws in the face, low quality, worst quality'),
      seed,
    }),
    pictures: [{ field: 'reference_images', shape: 'objects', use: 'face' }],
    output: 'images',
    size: 'landscape_4_3',
    format: 'jpeg',
    price: perMegapixel(0.025),
    seconds: 8,
  },
  {
    id: 'fal-ai/flux-2/edit',
    input: z.object({
      prompt: required,
      image_urls: urls,
      image_size: sizeField({ size: imageSize(512, 2048) }).optional(),
      guidance_scale: number(0, 20, 2.5),
      num_inference_steps: steps(28),
      num_images: imageCount,
      output_format: anyFormat,
      acceleration: acceleration('regular'),
      enable_prompt_expansion: flag(false),
      ...standard,
    }),
    pictures: sources,
    output: 'images-flagged',
    size: 'source',
    format: 'png',
    price: perMegapixel(0.012),
    seconds: 10,
  },
  {
    id: 'fal-ai/flux-2-pro/edit',
    input: z.object({
      prompt: required,
      image_urls: urls,
      image_size: sizeField({ extra: ['auto'] }).default('auto'),
      output_format: jpegOrPng,
      safety_tolerance: choice(['1', '2', '3', '4', '5'], '2'),
      ...standard,
    }),
    pictures: sources,
    output: 'images',
    size: 'source',
    format: 'jpeg',
    price: perMegapixel(0.03),
    seconds: 15,
  },
  {
    id: 'fal-ai/qwen-image-edit-2511',
    input: z.object({
      prompt: required,
      image_urls: urls,
      image_size: sizeField().optional(),
      guidance_scale: number(0, 20, 4.5),
      num_inference_steps: steps(28),
      num_images: imageCount,
      negative_prompt: text(''),
      output_format: anyFormat,
      acceleration: acceleration('regular'),
      ...standard,
    }),
    pictures: sources,
    output: 'images-flagged',
    size: 'source',
    format: 'png',
    price: perImage(0.02),
    seconds: 12,
  },
  {
    id: 'fal-ai/clarity-upscaler',
    input: z.object({
      image_url: required,
      prompt: text('masterpiece, best quality, highres'),
      upscale_factor: number(1, 4, 2),
      negative_prompt: text('(worst quality, low quality, normal quality:2)'),
      creativity: number(0, 1, 0.35),
      resemblance: number(0, 1, 0.6),
      guidance_scale: number(0, 20, 4),
      num_inference_steps: steps(18),
      seed,
      enable_safety_checker: flag(true),
    }),
    pictures: source,
    output: 'image-seed-timings',
    size: 'enlarged',
    format: 'png',
    price: perImage(0.02),
    seconds: 20,
  },
  {
    id: 'fal-ai/aura-sr',
    input: z.object({
      image_url: required,
      upscale_factor: z.literal(4).default(4),
      overlapping_tiles: flag(false),
      checkpoint: choice(['v1', 'v2'], 'v1'),
    }),
    pictures: source,
    output: 'image-timings',
    size: 'enlarged',
    format: 'png',
    price: perImage(0.01),
    seconds: 6,
  },
  {
    id: 'fal-ai/seedvr/upscale/image',
    input: z.object({
      image_url: required,
      upscale_mode: choice(['target', 'factor'], 'factor'),
      upscale_factor: number(1, 10, 2),
      target_resolution: choice(['720p', '1080p', '1440p', '2160p'], '1080p'),
      noise_scale: number(0, 1, 0.1),
      output_format: choice(['png', 'jpg', 'webp'], 'jpg'),
      seed,
      sync_mode: flag(false),
    }),
    pictures: source,
    output: 'image-seed',
    size: 'enlarged',
    format: 'jpeg',
    price: perImage(0.03),
    seconds: 15,
  },
  {
    id: 'fal-ai/topaz/upscale/image',
    input: z.object({
      image_url: required,
      model: choice(
        [
          'Low Resolution V2',
          'Standard V2',
          'CGI',
          'High Fidelity V2',
          'Text Refine',
          'Recovery',
          'Redefine',
          'Recovery V2',
          'Standard MAX',
          'Wonder',
        ],
        'Standard V2',
      ),
      upscale_factor: number(1, 4, 2),
      crop_to_fill: flag(false),
      output_format: jpegOrPng,
      subject_detection: choice(['All', 'Foreground', 'Background'], 'All'),
      face_enhancement: flag(true),
      face_enhancement_strength: number(0, 1, 0.8),
      face_enhancement_creativity: number(0, 1, 0),
      sharpen: number(0, 1, 0).optional(),
      denoise: number(0, 1, 0).optional(),
      detail: number(0, 1, 0).optional(),
      fix_compression: number(0, 1, 0).optional(),
      strength: z.number().min(0.01).max(1).optional(),
      creativity: z.int().min(1).max(6).optional(),
      texture: z.int().min(1).max(5).optional(),
      prompt: z.string().max(1024).optional(),
      autoprompt: flag(false),
    }),
    pictures: source,
    output: 'image',
    size: 'enlarged',
    format: 'jpeg',
    price: perImage(0.02),
    seconds: 15,
  },
  {
    id: 'fal-ai/flux/dev/image-to-image',
    input: z.object({
      prompt: required,
      image_url: required,
      strength: number(0.01, 1, 0.95),
      num_inference_steps: steps(40),
      guidance_scale: number(1, 20, 3.5),
      num_images: imageCount,
      output_format: jpegOrPng,
      acceleration: acceleration('none'),
      ...standard,
    }),
    pictures: source,
    output: 'images-flagged',
    size: 'source',
    format: 'jpeg',
    price: perMegapixel(0.025),
    seconds: 8,
  },
  {
    id: 'fal-ai/z-image/turbo/image-to-image',
    input: z.object({
      prompt: required,
      image_url: required,
      strength: number(0, 1, 0.6),
      image_size: sizeField({ extra: ['auto'] }).default('auto'),
      num_inference_steps: steps(8, 8),
      num_images: imageCount,
      output_format: anyFormat,
      acceleration: acceleration('regular'),
      enable_prompt_expansion: flag(false),
      ...standard,
    }),
    pictures: source,
    output: 'images-flagged',
    size: 'source',
    format: 'png',
    price: perMegapixel(0.005),
    seconds: 4,
  },
];

function fitsSeedream({ width, height }: { width: number; height: number }): boolean {
  const sides = [width, height].every((side) => side >= 1920 && side <= 4096);
  const pixels = width * height;
  return sides || (pixels >= 2560 * 1440 && pixels <= 4096 * 4096);
}
