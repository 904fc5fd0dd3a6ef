import sharp from 'sharp';
import { advanceDots, lineDots, textPath, wrapText } from '../../emulator/pictures/bitmap-text';

/** One picture of a sheet. */
export interface SheetCell {
  /** Encoded picture, of an animation the first frame is shown; left out: an empty frame. */
  picture?: Buffer | undefined;
  /** Lines below it; a long one takes two. */
  caption: readonly string[];
}

/** Pixels. */
const pictureSide = 288;
const margin = 16;
const dot = 2;
const captionLines = 5;
const columns = 4;
const frameColour = '#d9dde6';
const captionColumns = Math.floor(pictureSide / (advanceDots * dot));
const cellHeight = pictureSide + captionLines * lineDots * dot + margin;

/**
 * Draws pictures with their captions in a grid, as PNG. The text is drawn without fonts, which a fresh machine has none
 * of.
 *
 * @throws when a picture cannot be decoded.
 */
export async function renderContactSheet(title: string, cells: readonly SheetCell[]): Promise<Buffer> {
  const width = columns * (pictureSide + margin) + margin;
  const top = margin + 2 * lineDots * dot;
  const height = top + Math.ceil(cells.length / columns) * cellHeight + margin;
  const place = (index: number): { left: number; top: number } => ({
    left: margin + (index % columns) * (pictureSide + margin),
    top: top + Math.floor(index / columns) * cellHeight,
  });
  const pictures = await Promise.all(
    cells.map(async ({ picture }, index) => ({ input: await thumbnail(picture), ...place(index) })),
  );
  const paths = cells.flatMap(({ caption }, index) => {
    const { left, top: pictureTop } = place(index);
    const lines = caption.flatMap((line) => wrapText(line, captionColumns, 2)).slice(0, captionLines);
    return lines.map((line, row) =>
      textPath(line, left, pictureTop + pictureSide + 6 + row * lineDots * dot, dot),
    );
  });
  paths.push(textPath(title, margin, margin, dot + 1));
  const text = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><path fill="#1d2433" d="${paths.join('')}"/></svg>`;
  return sharp({ create: { width, height, channels: 3, background: '#f4f5f8' } })
    .composite([...pictures, { input: Buffer.from(text), left: 0, top: 0 }])
    .png()
    .toBuffer();
}

function thumbnail(picture: Buffer | undefined): Promise<Buffer> {
  const empty = { create: { width: 1, height: 1, channels: 3, background: frameColour } } as const;
  return (picture === undefined ? sharp(empty) : sharp(picture, { failOn: 'warning' }))
    .resize(pictureSide, pictureSide, { fit: 'contain', background: frameColour })
    .removeAlpha()
    .png({ compressionLevel: 1 })
    .toBuffer();
}
