import { MediaError } from '../domain/media';
import type { PixelSize } from '../domain/media';

/** Of each side asked for. Models round down by a few pixels, never by a tenth. */
const smallestShare = 0.9;
/** Of the ratio of the sides asked for. */
const ratioTolerance = 0.02;
/** Pixels: models paint in steps of 8 to 32, so a small picture's ratio may be off by more without being another one. */
const largestStep = 32;

/** What the bytes say of a picture's size. */
export interface MediaSize {
  width?: number | undefined;
  height?: number | undefined;
}

/** @throws MediaError `wrong_size` when a picture is clearly smaller than asked for, or of another shape. */
export function checkSize(found: MediaSize, asked: PixelSize): void {
  const { width = 0, height = 0 } = found;
  const tooSmall = width < asked.width * smallestShare || height < asked.height * smallestShare;
  if (!tooSmall && hasShapeOf({ width, height }, asked)) return;
  const sizes = [found, asked].map((size) => `${String(size.width)}x${String(size.height)}`);
  throw new MediaError('wrong_size', `the picture is ${sizes.join(' instead of ')}`);
}

function hasShapeOf(found: PixelSize, asked: PixelSize): boolean {
  const isRounded =
    Math.abs(found.width - asked.width) < largestStep && Math.abs(found.height - asked.height) < largestStep;
  const ratio = (found.width * asked.height) / (found.height * asked.width);
  return isRounded || Math.abs(ratio - 1) <= ratioTolerance;
}
