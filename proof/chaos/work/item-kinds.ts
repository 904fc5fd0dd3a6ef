import type { Flow } from '../../../src/domain/requests';
import type { WorkItem } from './work-item';

/** One kind of request in the mixture. */
export interface ItemKind {
  name: string;
  /** How often it comes, against the others. */
  weight: number;
  /** Pictures in one request. */
  fewest: number;
  most: number;
  providers: WorkItem['providers'];
  /** It works on a picture of its own, uploaded before. Default false. */
  needsSource?: boolean;
  request(details: RequestDetails): { flow: Flow; body: Record<string, unknown> };
}

export interface RequestDetails {
  /** Must be in the prompt. */
  word: string;
  images: number;
  /** Asset URL. */
  face: string;
}

/** Small pictures: the proof is about money and outcomes, and two cores draw and check every one of them. */
const size = { width: 512, height: 512 };

function studio(
  name: string,
  weight: number,
  providers: ItemKind['providers'],
  body: (details: RequestDetails) => Record<string, unknown>,
): ItemKind {
  return {
    name,
    weight,
    providers,
    fewest: 1,
    most: 4,
    request: (details) => ({ flow: 'studio', body: { count: details.images, ...body(details) } }),
  };
}

function promptOf({ word }: RequestDetails): string {
  return `studio portrait of a grown woman, soft light, scene ${word}`;
}

/** The smallest request that is not from the studio. */
export const smallestSet: ItemKind = {
  name: 'base images',
  weight: 2,
  fewest: 6,
  most: 6,
  providers: ['modal', 'fal'],
  request: (details) => ({ flow: 'base-images', body: { prompt: promptOf(details), ...size } }),
};

/** Every flow and studio mode; the first requests of a run are one of each, in this order. */
export const itemKinds: readonly ItemKind[] = [
  smallestSet,
  {
    name: 'profile pictures',
    weight: 1.5,
    fewest: 7,
    most: 10,
    providers: ['modal'],
    request: ({ word, images, face }) => ({
      flow: 'profile-pictures',
      body: {
        prompt: `a grown woman with copper hair, scene ${word}`,
        count: images,
        referenceImageUrl: face,
      },
    }),
  },
  studio('creating', 4, ['modal', 'fal'], (details) => ({ prompt: promptOf(details), ...size })),
  studio('creating on the pod', 4, ['comfyui'], (details) => ({
    prompt: promptOf(details),
    ...size,
    nsfw: true,
    modelProvider: 'comfyui',
    modelId: 'comfyui-sdxl-text-to-image',
  })),
  studio('creating on fal', 3, ['fal'], (details) => ({
    prompt: promptOf(details),
    ...size,
    modelProvider: 'fal',
  })),
  studio('creating with LoRA', 2, ['modal'], (details) => ({
    prompt: promptOf(details),
    ...size,
    useLora: true,
    modelPreference: 'flux',
  })),
  studio('creating with reference', 2, ['modal', 'fal'], (details) => ({
    prompt: promptOf(details),
    ...size,
    referenceImageUrl: details.face,
  })),
  {
    ...studio('variations', 1, ['modal', 'fal'], (details) => ({
      prompt: promptOf(details),
      mode: 'variations',
      strength: 0.5,
    })),
    needsSource: true,
  },
  {
    ...studio('editing', 1, ['modal', 'fal'], ({ word }) => ({
      prompt: `change the jacket to green velvet, scene ${word}`,
      mode: 'editing',
    })),
    needsSource: true,
  },
  {
    ...studio('upscaling', 1, ['modal', 'fal'], () => ({ mode: 'upscaling', upscaleFactor: 2 })),
    needsSource: true,
    // Its jobs carry no words: one request, one picture, one job.
    most: 1,
  },
  {
    ...studio('video', 0.2, ['modal'], (details) => ({ prompt: promptOf(details), mode: 'video' })),
    most: 1,
  },
];
