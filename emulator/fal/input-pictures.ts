import type { Answer } from '../http/answer';
import { isRecord } from '../http/describe-body';
import { pictureSize } from '../pictures/render';
import type { FalEndpoint, PictureField } from './endpoints';
import { fieldError } from './errors';
import type { FalFiles } from './files';

/** The pictures of a request, fetched and decoded. */
export interface InputPictures {
  face?: Buffer | undefined;
  source?: Buffer | undefined;
  /** Size of the source. */
  size?: { width: number; height: number } | undefined;
}

/** Fetches the pictures an input names. Returns the 422 of the first that cannot be had. */
export async function fetchPictures(
  endpoint: FalEndpoint,
  input: Record<string, unknown>,
  files: FalFiles,
  origin: string,
): Promise<InputPictures | Answer> {
  const pictures: InputPictures = {};
  for (const field of endpoint.pictures ?? []) {
    for (const [index, url] of urlsOf(field, input).entries()) {
      const file = files.fetch(url, origin);
      if (file === undefined) {
        return fieldError(field.field, 'file_download_error', 'Failed to download the file.');
      }
      const size = await pictureSize(file.bytes);
      if (size === undefined) {
        return fieldError(field.field, 'image_load_error', 'Failed to load the image.');
      }
      if (index > 0) continue;
      if (field.use === 'face') pictures.face = file.bytes;
      else Object.assign(pictures, { source: file.bytes, size });
    }
  }
  return pictures;
}

function urlsOf({ field, shape }: PictureField, input: Record<string, unknown>): string[] {
  const value = input[field];
  if (shape === 'url') return [String(value)];
  const items: unknown[] = Array.isArray(value) ? value : [];
  return items.map((item) => String(isRecord(item) ? item['image_url'] : item));
}
