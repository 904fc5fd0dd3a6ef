import type { Fault } from '../faults/faults';
import { sha256 } from '../pictures/fingerprint';
import { struckPicture } from '../faults/picture-faults';
import { renderBlack, renderPicture, type Picture, type PictureFormat } from '../pictures/render';
import type { FalFiles } from './files';
import type { FalOrder } from './prepare-order';

/** Draws the pictures, stores them and writes the endpoint's own kind of output. */
export async function produceOutput(
  order: FalOrder,
  files: FalFiles,
  fault: Fault | undefined,
): Promise<unknown> {
  const { endpoint, prompt, seed } = order;
  const verdicts = safetyVerdicts(order.count, fault);
  const images = fault?.name === 'no_images' ? [] : await drawAll(order, verdicts, files, fault);
  const [image] = images;
  const timings = { inference: endpoint.seconds };
  const flags = verdicts.map(({ flagged }) => flagged);
  const outputs: Record<typeof endpoint.output, unknown> = {
    'images-flagged': { images, timings, seed, has_nsfw_concepts: flags, prompt },
    images: { images, seed },
    'image-seed-timings': { image, seed, timings },
    'image-timings': { image, timings },
    'image-seed': { image, seed },
    image: { image },
  };
  return outputs[endpoint.output];
}

interface Verdict {
  black: boolean;
  flagged: boolean;
}

/** Which pictures the safety checker blackens, and whether it says so. */
function safetyVerdicts(count: number, fault: Fault | undefined): Verdict[] {
  const clean = { black: false, flagged: false };
  if (fault?.name === 'nsfw_partial') return [clean, { black: true, flagged: true }];
  const flagged = fault?.name === 'nsfw_black';
  const black = flagged || fault?.name === 'nsfw_black_unflagged';
  return Array.from({ length: count }, () => ({ black, flagged }));
}

async function drawAll(
  order: FalOrder,
  verdicts: readonly Verdict[],
  files: FalFiles,
  fault: Fault | undefined,
): Promise<unknown[]> {
  const images: unknown[] = [];
  for (const [index, { black }] of verdicts.entries()) {
    const bytes = await draw(order, index, { black, fault });
    images.push(publish(order, bytes, files, fault));
  }
  return images;
}

async function draw(
  order: FalOrder,
  index: number,
  { black, fault }: { black: boolean; fault: Fault | undefined },
): Promise<Buffer> {
  const { endpoint, size, pictures, prompt, seed, bodyHash } = order;
  const format = formatOf(order);
  if (black) return await renderBlack(size.width, size.height, format);
  const picture: Picture = {
    provider: 'fal',
    endpoint: endpoint.id,
    prompt,
    seed: seed + index,
    ...size,
    fingerprint: sha256(`${endpoint.id}\n${bodyHash}\n${index}`),
    reference: pictures.face,
    source: pictures.source,
    format,
  };
  return await renderPicture(struckPicture(picture, fault));
}

/** Puts a picture where the caller can fetch it, and describes it. */
function publish(order: FalOrder, bytes: Buffer, files: FalFiles, fault: Fault | undefined): unknown {
  const { endpoint, prompt, size, input, origin } = order;
  const format = formatOf(order);
  const contentType = `image/${format}`;
  const name = `${sha256(bytes).slice(0, 20)}.${format === 'jpeg' ? 'jpg' : format}`;
  const job = { endpoint: endpoint.id, prompt };
  const base = fault?.name === 'foreign_media' ? (fault.params.origin ?? elsewhere) : origin;
  const url =
    input['sync_mode'] === true
      ? `data:${contentType};base64,${bytes.toString('base64')}`
      : files.store(base, name, { bytes, contentType, job });
  return { url, ...size, content_type: contentType, file_name: name, file_size: bytes.length };
}

/** A host that never resolves. */
const elsewhere = 'http://elsewhere.invalid';

const formats: Readonly<Record<string, PictureFormat>> = {
  png: 'png',
  webp: 'webp',
  jpeg: 'jpeg',
  jpg: 'jpeg',
};

function formatOf({ endpoint, input }: FalOrder): PictureFormat {
  return formats[String(input['output_format'])] ?? endpoint.format;
}
