import type { AspectRatio } from '../domain/requests';

/** Pixels of a picture or clip. */
export interface PixelSize {
  width: number;
  height: number;
}

/** About one megapixel in multiples of 16; 1:1, 9:16 and 2:3 are the sizes the customer's prices are made for. */
export const pictureSizes: Readonly<Record<AspectRatio, PixelSize>> = {
  '1:1': { width: 1024, height: 1024 },
  '16:9': { width: 1472, height: 832 },
  '9:16': { width: 832, height: 1472 },
  '4:3': { width: 1152, height: 864 },
  '3:4': { width: 864, height: 1152 },
  '3:2': { width: 1344, height: 896 },
  '2:3': { width: 896, height: 1344 },
  '4:5': { width: 896, height: 1120 },
  '5:4': { width: 1120, height: 896 },
};

/** About 0.4 megapixels, Wan's own 832×480 among them: a clip costs its pixels times its frames. */
export const clipSizes: Readonly<Record<AspectRatio, PixelSize>> = {
  '1:1': { width: 624, height: 624 },
  '16:9': { width: 832, height: 480 },
  '9:16': { width: 480, height: 832 },
  '4:3': { width: 704, height: 528 },
  '3:4': { width: 528, height: 704 },
  '3:2': { width: 768, height: 512 },
  '2:3': { width: 512, height: 768 },
  '4:5': { width: 576, height: 720 },
  '5:4': { width: 720, height: 576 },
};
