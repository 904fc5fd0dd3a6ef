/**
 * What an input takes: a type that another node puts out, or the list of values to choose from. Nodes written in the new
 * style say `COMBO` and have the list in `options`; the server does not hold a value against that one.
 */
export type InputKind = string | readonly string[];

export interface InputLimits {
  default?: number | string | boolean;
  min?: number;
  max?: number;
  step?: number;
  multiline?: boolean;
  image_upload?: boolean;
  multiselect?: boolean;
  options?: readonly string[];
}

export type InputSpec = readonly [InputKind] | readonly [InputKind, InputLimits];

/** One node class as `/object_info` shows it. */
export interface NodeClass {
  input: { required: Readonly<Record<string, InputSpec>>; optional?: Readonly<Record<string, InputSpec>> };
  output: readonly string[];
  output_node: boolean;
}

/** Models on the pod. A graph that asks for any other is refused before it is queued, but for upscalers: there the run fails. */
export const podModels = {
  checkpoints: [
    'Juggernaut-XL_v9_RunDiffusionPhoto_v2.safetensors',
    'RealVisXL_V4.0.safetensors',
    'sd_xl_base_1.0.safetensors',
  ],
  loras: ['character-demo.safetensors'],
  upscalers: ['2x-ESRGAN.pth', '4x-UltraSharp.pth', 'RealESRGAN_x4plus.pth'],
  controlNets: ['diffusion_pytorch_model.safetensors', 'instantid-controlnet.safetensors'],
  instantId: ['ip-adapter.bin'],
} as const;

const samplers = [
  'euler',
  'euler_ancestral',
  'heun',
  'dpmpp_2m',
  'dpmpp_2m_sde',
  'dpmpp_sde',
  'ddim',
  'uni_pc',
];
const schedulers = ['normal', 'karras', 'exponential', 'sgm_uniform', 'simple', 'ddim_uniform', 'beta'];
const scaleMethods = ['nearest-exact', 'bilinear', 'area', 'bicubic', 'lanczos'];

const int = (fallback: number, min: number, max: number): InputSpec => [
  'INT',
  { default: fallback, min, max },
];
const float = (fallback: number, min: number, max: number): InputSpec => [
  'FLOAT',
  { default: fallback, min, max },
];
const side: InputSpec = ['INT', { default: 512, min: 16, max: 16_384, step: 8 }];
const combo = (options: readonly string[]): InputSpec => ['COMBO', { multiselect: false, options }];
const upload: InputSpec = [[], { image_upload: true }];

function node(
  required: Readonly<Record<string, InputSpec>>,
  output: readonly string[],
  extra: { optional?: Readonly<Record<string, InputSpec>>; output_node?: boolean } = {},
): NodeClass {
  const { optional, output_node = false } = extra;
  return { input: { required, ...(optional && { optional }) }, output, output_node };
}

/** Every node class the pod has. */
export const nodeClasses: Readonly<Record<string, NodeClass>> = {
  CheckpointLoaderSimple: node({ ckpt_name: [podModels.checkpoints] }, ['MODEL', 'CLIP', 'VAE']),
  VAELoader: node({ vae_name: [['sdxl_vae.safetensors']] }, ['VAE']),
  LoraLoader: node(
    {
      model: ['MODEL'],
      clip: ['CLIP'],
      lora_name: [podModels.loras],
      strength_model: float(1, -100, 100),
      strength_clip: float(1, -100, 100),
    },
    ['MODEL', 'CLIP'],
  ),
  CLIPTextEncode: node({ text: ['STRING', { multiline: true }], clip: ['CLIP'] }, ['CONDITIONING']),
  CLIPSetLastLayer: node({ clip: ['CLIP'], stop_at_clip_layer: int(-1, -24, -1) }, ['CLIP']),
  EmptyLatentImage: node({ width: side, height: side, batch_size: int(1, 1, 4096) }, ['LATENT']),
  KSampler: node(
    {
      model: ['MODEL'],
      seed: int(0, 0, Number.MAX_SAFE_INTEGER),
      steps: int(20, 1, 10_000),
      cfg: float(8, 0, 100),
      sampler_name: [samplers],
      scheduler: [schedulers],
      positive: ['CONDITIONING'],
      negative: ['CONDITIONING'],
      latent_image: ['LATENT'],
      denoise: float(1, 0, 1),
    },
    ['LATENT'],
  ),
  VAEDecode: node({ samples: ['LATENT'], vae: ['VAE'] }, ['IMAGE']),
  VAEEncode: node({ pixels: ['IMAGE'], vae: ['VAE'] }, ['LATENT']),
  VAEEncodeForInpaint: node(
    { pixels: ['IMAGE'], vae: ['VAE'], mask: ['MASK'], grow_mask_by: int(6, 0, 64) },
    ['LATENT'],
  ),
  SetLatentNoiseMask: node({ samples: ['LATENT'], mask: ['MASK'] }, ['LATENT']),
  LoadImage: node({ image: upload }, ['IMAGE', 'MASK']),
  LoadImageMask: node({ image: upload, channel: [['alpha', 'red', 'green', 'blue']] }, ['MASK']),
  ImageToMask: node({ image: ['IMAGE'], channel: [['red', 'green', 'blue', 'alpha']] }, ['MASK']),
  ImageScale: node(
    {
      image: ['IMAGE'],
      upscale_method: [scaleMethods],
      width: int(512, 0, 16_384),
      height: int(512, 0, 16_384),
      crop: [['disabled', 'center']],
    },
    ['IMAGE'],
  ),
  ImageScaleBy: node({ image: ['IMAGE'], upscale_method: [scaleMethods], scale_by: float(1, 0.01, 8) }, [
    'IMAGE',
  ]),
  UpscaleModelLoader: node({ model_name: combo(podModels.upscalers) }, ['UPSCALE_MODEL']),
  ImageUpscaleWithModel: node({ upscale_model: ['UPSCALE_MODEL'], image: ['IMAGE'] }, ['IMAGE']),
  ControlNetLoader: node({ control_net_name: [podModels.controlNets] }, ['CONTROL_NET']),
  InstantIDModelLoader: node({ instantid_file: [podModels.instantId] }, ['INSTANTID']),
  InstantIDFaceAnalysis: node({ provider: [['CPU', 'CUDA', 'ROCM']] }, ['FACEANALYSIS']),
  ApplyInstantID: node(
    {
      instantid: ['INSTANTID'],
      insightface: ['FACEANALYSIS'],
      control_net: ['CONTROL_NET'],
      image: ['IMAGE'],
      model: ['MODEL'],
      positive: ['CONDITIONING'],
      negative: ['CONDITIONING'],
      weight: float(0.8, 0, 5),
      start_at: float(0, 0, 1),
      end_at: float(1, 0, 1),
    },
    ['MODEL', 'CONDITIONING', 'CONDITIONING'],
    { optional: { image_kps: ['IMAGE'], mask: ['MASK'] } },
  ),
  SaveImage: node({ images: ['IMAGE'], filename_prefix: ['STRING', { default: 'ComfyUI' }] }, [], {
    output_node: true,
  }),
  PreviewImage: node({ images: ['IMAGE'] }, [], { output_node: true }),
};
