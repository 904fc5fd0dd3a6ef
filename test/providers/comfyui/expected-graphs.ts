/**
 * The graph each endpoint must send for the settings of `contract.test.ts`, node by node as a ComfyUI server takes it.
 * Written by hand from the nodes' documentation and not from our graph files. `reference.png` and the like stand for
 * the names the pod gave the uploads, and `run-id` for the id of the run.
 */

const node = (class_type: string, inputs: object): object => ({ class_type, inputs });

const checkpoint = node('CheckpointLoaderSimple', { ckpt_name: 'sd_xl_base_1.0.safetensors' });
const positive = node('CLIPTextEncode', { text: 'a red door', clip: ['1', 1] });
const negative = node('CLIPTextEncode', { text: 'blurry', clip: ['1', 1] });
const emptyLatent = node('EmptyLatentImage', { width: 512, height: 768, batch_size: 1 });
const decode = node('VAEDecode', { samples: ['5', 0], vae: ['1', 2] });
const save = node('SaveImage', { filename_prefix: 'ryla-run-id', images: ['8', 0] });
const source = node('LoadImage', { image: 'source.png' });
const sampling = { seed: 4_294_967_295, steps: 12, cfg: 6.5, sampler_name: 'euler', scheduler: 'normal' };
const links = { model: ['1', 0], positive: ['2', 0], negative: ['3', 0], latent_image: ['4', 0] };
const prompts = { '1': checkpoint, '2': positive, '3': negative };

export const expectedGraphs: Readonly<Record<string, Record<string, object>>> = {
  'sdxl-text-to-image': {
    ...prompts,
    '4': emptyLatent,
    '5': node('KSampler', { ...sampling, ...links, denoise: 1 }),
    '8': decode,
    '9': save,
  },
  'sdxl-instantid': {
    ...prompts,
    '4': emptyLatent,
    '5': node('KSampler', {
      ...sampling,
      ...links,
      denoise: 1,
      model: ['14', 0],
      positive: ['14', 1],
      negative: ['14', 2],
    }),
    '8': decode,
    '9': save,
    '10': node('InstantIDModelLoader', { instantid_file: 'ip-adapter.bin' }),
    '11': node('InstantIDFaceAnalysis', { provider: 'CPU' }),
    '12': node('ControlNetLoader', { control_net_name: 'diffusion_pytorch_model.safetensors' }),
    '13': node('LoadImage', { image: 'reference.png' }),
    '14': node('ApplyInstantID', {
      instantid: ['10', 0],
      insightface: ['11', 0],
      control_net: ['12', 0],
      image: ['13', 0],
      model: ['1', 0],
      positive: ['2', 0],
      negative: ['3', 0],
      weight: 0.9,
      start_at: 0,
      end_at: 1,
    }),
  },
  'sdxl-image-to-image': {
    ...prompts,
    '4': node('VAEEncode', { pixels: ['6', 0], vae: ['1', 2] }),
    '5': node('KSampler', { ...sampling, ...links, denoise: 0.4 }),
    '6': source,
    '8': decode,
    '9': save,
  },
  'sdxl-inpaint': {
    ...prompts,
    '4': node('VAEEncodeForInpaint', { pixels: ['6', 0], vae: ['1', 2], mask: ['7', 0], grow_mask_by: 6 }),
    '5': node('KSampler', { ...sampling, ...links, denoise: 1 }),
    '6': source,
    '7': node('LoadImageMask', { image: 'mask.png', channel: 'red' }),
    '8': decode,
    '9': save,
  },
  'upscale-4x': {
    '1': node('UpscaleModelLoader', { model_name: 'RealESRGAN_x4plus.pth' }),
    '6': source,
    '8': node('ImageUpscaleWithModel', { upscale_model: ['1', 0], image: ['6', 0] }),
    '9': save,
  },
};
