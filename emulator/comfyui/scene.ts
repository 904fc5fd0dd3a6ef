import { pictureSize } from '../pictures/render';
import { linkOf, type Graph, type GraphNode } from './graph';
import type { PodFiles } from './pod-files';

/** What the picture at one node shows, gathered from everything before it. */
export interface Scene {
  width: number;
  height: number;
  /** Pictures made at once. */
  batch: number;
  seed: number | undefined;
  prompt: string;
  source: Buffer | undefined;
  face: Buffer | undefined;
  loras: string[];
}

const emptyScene: Scene = {
  width: 512,
  height: 512,
  batch: 1,
  seed: undefined,
  prompt: '',
  source: undefined,
  face: undefined,
  loras: [],
};

/** Follows the links back from a node whose output is a picture or a latent. The graph must be valid. */
export async function sceneAt(graph: Graph, id: string, files: PodFiles): Promise<Scene> {
  const node = graph[id];
  if (node === undefined) return emptyScene;
  switch (node.class_type) {
    case 'EmptyLatentImage':
      return {
        ...emptyScene,
        width: latent(node, 'width'),
        height: latent(node, 'height'),
        batch: numeric(node, 'batch_size'),
      };
    case 'LoadImage':
      return await loadedScene(node, files);
    case 'KSampler':
      return await sampledScene(graph, node, files);
    case 'ImageScale':
      return await scaledScene(graph, node, files);
    case 'ImageScaleBy':
      return enlarge(await previous(graph, node, 'image', files), numeric(node, 'scale_by'));
    case 'ImageUpscaleWithModel':
      return enlarge(await previous(graph, node, 'image', files), modelFactor(graph, node));
    case 'VAEEncode':
    case 'VAEEncodeForInpaint':
      return roundToLatent(await previous(graph, node, 'pixels', files));
    default:
      return await throughFirstPicture(graph, node, files);
  }
}

async function loadedScene(node: GraphNode, files: PodFiles): Promise<Scene> {
  const bytes = files.input(String(node.inputs['image']))?.bytes;
  const size = bytes === undefined ? undefined : await pictureSize(bytes);
  return { ...emptyScene, ...size, source: bytes };
}

async function sampledScene(graph: Graph, node: GraphNode, files: PodFiles): Promise<Scene> {
  const base = await previous(graph, node, 'latent_image', files);
  const { prompt, face } = conditioning(graph, node, files);
  return { ...base, seed: numeric(node, 'seed'), prompt, face, loras: lorasBefore(graph, node) };
}

async function scaledScene(graph: Graph, node: GraphNode, files: PodFiles): Promise<Scene> {
  const scene = await previous(graph, node, 'image', files);
  const [width, height] = [numeric(node, 'width'), numeric(node, 'height')];
  // 0 means: follow the other side.
  const ratio = scene.width / scene.height;
  return {
    ...scene,
    width: width === 0 ? Math.round(height * ratio) : width,
    height: height === 0 ? Math.round(width / ratio) : height,
  };
}

/** Text and face of the positive conditioning. */
function conditioning(
  graph: Graph,
  node: GraphNode,
  files: PodFiles,
): { prompt: string; face: Buffer | undefined } {
  const positive = follow(graph, node, 'positive');
  if (positive === undefined) return { prompt: '', face: undefined };
  if (positive.class_type === 'CLIPTextEncode') {
    return { prompt: String(positive.inputs['text']), face: undefined };
  }
  const { prompt, face } = conditioning(graph, positive, files);
  const picture = follow(graph, positive, 'image');
  const bytes = picture === undefined ? undefined : files.input(String(picture.inputs['image']))?.bytes;
  return { prompt, face: bytes ?? face };
}

function lorasBefore(graph: Graph, node: GraphNode): string[] {
  const model = follow(graph, node, 'model');
  if (model === undefined) return [];
  const earlier = lorasBefore(graph, model);
  return model.class_type === 'LoraLoader' ? [...earlier, String(model.inputs['lora_name'])] : earlier;
}

async function throughFirstPicture(graph: Graph, node: GraphNode, files: PodFiles): Promise<Scene> {
  const field = ['samples', 'images', 'image', 'pixels'].find((name) => linkOf(node.inputs[name]));
  return field === undefined ? emptyScene : await previous(graph, node, field, files);
}

async function previous(graph: Graph, node: GraphNode, field: string, files: PodFiles): Promise<Scene> {
  const link = linkOf(node.inputs[field]);
  return link === undefined ? emptyScene : await sceneAt(graph, link[0], files);
}

function follow(graph: Graph, node: GraphNode, field: string): GraphNode | undefined {
  const link = linkOf(node.inputs[field]);
  return link === undefined ? undefined : graph[link[0]];
}

function modelFactor(graph: Graph, node: GraphNode): number {
  const name = String(follow(graph, node, 'upscale_model')?.inputs['model_name']);
  return /(?:^|\D)2x|x2/i.test(name) ? 2 : 4;
}

function enlarge(scene: Scene, factor: number): Scene {
  return {
    ...scene,
    width: Math.max(1, Math.round(scene.width * factor)),
    height: Math.max(1, Math.round(scene.height * factor)),
  };
}

/** A latent holds eight pixels a side. */
function roundToLatent(scene: Scene): Scene {
  return { ...scene, width: scene.width - (scene.width % 8), height: scene.height - (scene.height % 8) };
}

function latent(node: GraphNode, field: string): number {
  const value = numeric(node, field);
  return value - (value % 8);
}

function numeric(node: GraphNode, field: string): number {
  return Number(node.inputs[field]);
}
