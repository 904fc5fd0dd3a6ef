type Graph = Record<string, { class_type?: string; inputs: Record<string, unknown> }>;

/** A small text-to-image graph. */
export function textGraph(
  changes: { seed?: number; text?: string; width?: number; batch?: number } = {},
): Graph {
  const { seed = 7, text = 'a red door', width = 256, batch = 1 } = changes;
  return {
    '1': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'sd_xl_base_1.0.safetensors' } },
    '2': { class_type: 'CLIPTextEncode', inputs: { text, clip: ['1', 1] } },
    '3': { class_type: 'CLIPTextEncode', inputs: { text: '', clip: ['1', 1] } },
    '4': { class_type: 'EmptyLatentImage', inputs: { width, height: 384, batch_size: batch } },
    '5': {
      class_type: 'KSampler',
      inputs: {
        model: ['1', 0],
        seed,
        steps: 20,
        cfg: 7,
        sampler_name: 'euler',
        scheduler: 'normal',
        positive: ['2', 0],
        negative: ['3', 0],
        latent_image: ['4', 0],
        denoise: 1,
      },
    },
    '6': { class_type: 'VAEDecode', inputs: { samples: ['5', 0], vae: ['1', 2] } },
    '9': { class_type: 'SaveImage', inputs: { images: ['6', 0], filename_prefix: 'door' } },
  };
}

/** Enlarges an uploaded picture four times. */
export function upscaleGraph(image: string): Graph {
  return {
    '1': { class_type: 'LoadImage', inputs: { image } },
    '2': { class_type: 'UpscaleModelLoader', inputs: { model_name: 'RealESRGAN_x4plus.pth' } },
    '3': { class_type: 'ImageUpscaleWithModel', inputs: { upscale_model: ['2', 0], image: ['1', 0] } },
    '9': { class_type: 'SaveImage', inputs: { images: ['3', 0], filename_prefix: 'big' } },
  };
}

/** A copy with one node's input set (or, with `undefined`, removed). */
export function withInput(graph: Graph, id: string, name: string, value: unknown): Graph {
  const copy = structuredClone(graph);
  const node = copy[id];
  if (node !== undefined) node.inputs[name] = value;
  return copy;
}
