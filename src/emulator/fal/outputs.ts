import type { Fault } from '../faults';
import { derivedSeed, sha256 } from '../fingerprint';
import { renderBlack, renderPicture, type PictureFormat } from '../render';
import type { FalEndpoint } from './endpoints';
import type { FalFiles } from './files';
import type { InputPictures } from './input-pictures';
import type { Size } from './output-size';

/** A valid request, ready to be worked on. */
export interface FalOrder {
  endpoint: FalEndpoint;
  /** Completed by the endpoint's defaults. */
  input: Record<string, unknown>;
  pictures: InputPictures;
  size: Size;
  count: number;
  seed: number;
  prompt: string;
  bodyHash: string;
  /** Where the caller reaches us; returned URLs start with it. */
  origin: string;
}

/** The seed a request runs with. */
export function seedOf(input: Record<string, unknown>, id: string, bodyHash: string): number {
  const { seed } = input;
  return typeof seed === 'number' ? seed : derivedSeed(id, bodyHash);
}

/** Draws the pictures, stores them and writes the endpoint's own kind of output. */
export async function produceOutput(
  order: FalOrder,
  files: FalFiles,
  fault: Fault | undefined,
): Promise<unknown> {
  const { endpoint, prompt, seed } = order;
  const flags = nsfwFlags(order.count, fault);
  const images = fault?.name === 'no_images' ? [] : await drawAll(order, flags, files, fault);
  const [image] = images;
  const timings = { inference: endpoint.seconds };
  switch (endpoint.output) {
    case 'images-flagged':
      return { images, timings, seed, has_nsfw_concepts: flags.map(({ flagged }) => flagged), prompt };
    case 'images':
      return { images, seed };
    case 'image-seed-timings':
      return { image, seed, timings };
    case 'image-timings':
      return { image, timings };
    case 'image-seed':
      return { image, seed };
    default:
      return { image };
  }
}

/** Which pictures the safety checker blackens, and whether it says so. */
function nsfwFlags(count: number, fault: Fault | undefined): { black: boolean; flagged: boolean }[] {
  const clean = { black: false, flagged: false };
  switch (fault?.name) {
    case 'nsfw_black':
      return Array.from({ length: count }, () => ({ black: true, flagged: true }));
    case 'nsfw_black_unflagged':
      return Array.from({ length: count }, () => ({ black: true, flagged: false }));
    case 'nsfw_partial':
      return [clean, { black: true, flagged: true }];
    default:
      return Array.from({ length: count }, () => clean);
  }
}

async function drawAll(
  order: FalOrder,
  flags: readonly { black: boolean }[],
  files: FalFiles,
  fault: Fault | undefined,
): Promise<unknown[]> {
  const images: unknown[] = [];
  for (const [index, { black }] of flags.entries()) {
    images.push(await drawOne(order, index, black, files, fault));
  }
  return images;
}

async function drawOne(
  order: FalOrder,
  index: number,
  black: boolean,
  files: FalFiles,
  fault: Fault | undefined,
): Promise<unknown> {
  const { endpoint, size, pictures, prompt, input, origin } = order;
  const format = formatOf(order);
  const bytes = black
    ? await renderBlack(size.width, size.height, format)
    : await renderPicture({
        provider: 'fal',
        endpoint: endpoint.id,
        prompt,
        seed: order.seed + index,
        ...size,
        fingerprint: sha256(`${endpoint.id}\n${order.bodyHash}\n${index}`),
        reference: pictures.face,
        source: pictures.source,
        format,
      });
  const contentType = `image/${format}`;
  const name = `${sha256(bytes).slice(0, 20)}.${format === 'jpeg' ? 'jpg' : format}`;
  const job = { endpoint: endpoint.id, prompt };
  const inline = input['sync_mode'] === true;
  const base = fault?.name === 'foreign_media' ? (fault.params.origin ?? 'http://elsewhere.invalid') : origin;
  const url = inline
    ? `data:${contentType};base64,${bytes.toString('base64')}`
    : files.store(base, name, { bytes, contentType, job });
  return { url, ...size, content_type: contentType, file_name: name, file_size: bytes.length };
}

function formatOf({ endpoint, input }: FalOrder): PictureFormat {
  switch (input['output_format']) {
    case 'png':
      return 'png';
    case 'webp':
      return 'webp';
    case 'jpeg':
    case 'jpg':
      return 'jpeg';
    default:
      return endpoint.format;
  }
}
