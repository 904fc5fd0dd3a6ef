import sharp, { type Sharp } from 'sharp';
import { advanceDots, lineDots, textPath, wrapText } from './bitmap-text';
import { fraction, sha256 } from './fingerprint';
import { portraitSvg } from './portrait';
import { scenery } from './scenery';

/** Everything a picture shows; two equal descriptions give the same bytes. */
export interface Picture {
  provider: 'modal' | 'fal' | 'comfyui';
  endpoint: string;
  prompt: string;
  seed: number;
  /** Pixels. */
  width: number;
  height: number;
  /** Hex digest of endpoint and body; colours and stance follow from it. */
  fingerprint: string;
  /** Extra caption lines, such as the LoRA in use. */
  notes?: readonly string[] | undefined;
  /** Face the picture must keep: its identity is drawn again and an inset shows the reference itself. */
  reference?: Buffer | undefined;
  /** Picture that was edited, varied or enlarged; it fills the frame. */
  source?: Buffer | undefined;
  /** Names a face when there is no reference picture, such as a LoRA file. */
  identityName?: string | undefined;
  format: PictureFormat;
}

export type PictureFormat = 'jpeg' | 'png' | 'webp';

/** Most pixels one picture may have (a 16:10 6.4K picture); more would starve the machine the emulator shares. */
export const maximumPixels = 41_000_000;

/** Above this the scene is drawn smaller and enlarged: the drawing has no detail that would be lost. */
const drawnPixels = 1_600_000;
const frameCount = 6;

/** Renders one still. @throws Error when a reference or source is no picture. */
export async function renderPicture(picture: Picture): Promise<Buffer> {
  const identity = await identityOf(picture);
  const scene = await drawScene(picture, identity, 0);
  return await encode(scene.withExif({ IFD0: { ImageDescription: `identity=${identity}` } }), picture.format);
}

/** Renders an animated WebP that lasts `frames / fps` seconds. Few of the frames are drawn, to stay cheap. */
export async function renderAnimation(picture: Picture, frames: number, fps: number): Promise<Buffer> {
  const stills = await renderFrames(picture, frames);
  const delayMs = Math.max(Math.round((frames / fps / stills.length) * 1000), 20);
  return await sharp(stills, { join: { animated: true } })
    .webp({ quality: 60, effort: 0, delay: stills.map(() => delayMs), loop: 0 })
    .toBuffer();
}

/** JPEG frames of a moving picture: at most six, at least one. */
export async function renderFrames(picture: Picture, frames: number): Promise<Buffer[]> {
  const identity = await identityOf(picture);
  const count = Math.max(1, Math.min(frames, frameCount));
  const stills: Buffer[] = [];
  for (let step = 0; step < count; step += 1) {
    stills.push(await encode(await drawScene(picture, identity, step), 'jpeg'));
  }
  return stills;
}

/** A picture of nothing: what a safety filter leaves behind. */
export async function renderBlack(width: number, height: number, format: PictureFormat): Promise<Buffer> {
  return await encode(sharp({ create: { width, height, channels: 3, background: '#000000' } }), format);
}

/** Pixel size of an encoded picture, or `undefined` when the bytes are none. */
export async function pictureSize(bytes: Buffer): Promise<{ width: number; height: number } | undefined> {
  try {
    const { width, height, pageHeight } = await sharp(bytes).metadata();
    return { width, height: pageHeight ?? height };
  } catch {
    return undefined;
  }
}

/** Pictures of ours carry their face's name, so a face survives any chain of reference endpoints. */
async function identityOf(picture: Picture): Promise<string> {
  const face = picture.reference ?? picture.source;
  if (face === undefined) return sha256(picture.identityName ?? picture.fingerprint).slice(0, 16);
  const { exif } = await sharp(face).metadata();
  const found = /identity=([0-9a-f]{16})/.exec(exif?.toString('latin1') ?? '');
  return found?.[1] ?? sha256(face).slice(0, 16);
}

async function drawScene(picture: Picture, identity: string, step: number): Promise<Sharp> {
  const { width, height } = picture;
  const divisor = Math.max(1, Math.ceil(Math.sqrt((width * height) / drawnPixels)));
  const small = {
    ...picture,
    width: Math.max(8, Math.round(width / divisor)),
    height: Math.max(8, Math.round(height / divisor)),
    notes: [
      `seed ${picture.seed}  ${width}x${height}${step === 0 ? '' : `  frame ${step + 1}`}`,
      ...(picture.notes ?? []),
    ],
  };
  const drawn = await compose(small, identity, step);
  const { data, info } = await drawn.removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const raw = sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
  return divisor === 1 ? raw : raw.resize(width, height, { fit: 'fill', kernel: 'nearest' });
}

async function compose(picture: Picture, identity: string, step: number): Promise<Sharp> {
  const { width, height, source, reference } = picture;
  if (source !== undefined) {
    // A clip moves slowly towards the middle of its source.
    const margin = Math.round(Math.min(width, height) * 0.02 * step);
    const frame = await sharp(source)
      .resize(width + 2 * margin, height + 2 * margin, { fit: 'fill' })
      .extract({ left: margin, top: margin, width, height })
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer();
    const canvas = sharp(frame, { raw: { width, height, channels: 3 } });
    // Work on a picture changes it, each time otherwise; an enlargement has no prompt and changes nothing.
    const changes = picture.prompt === '' ? '' : scenery(picture, 0.45);
    return canvas.composite([{ input: Buffer.from(svg(picture, changes + caption(picture))) }]);
  }
  const scene =
    background(picture) + scenery(picture, 0.8) + portrait(picture, identity, step) + caption(picture);
  const canvas = sharp(Buffer.from(svg(picture, scene)));
  if (reference === undefined) return canvas;
  const side = Math.max(8, Math.round(Math.min(width, height) / 5));
  const inset = await sharp(reference)
    .resize(side, side, { fit: 'cover' })
    .extend({ top: 4, bottom: 4, left: 4, right: 4, background: '#ffffff' })
    .png({ compressionLevel: 1 })
    .toBuffer();
  const fits = side + 8 <= Math.min(width, height);
  return fits ? canvas.composite([{ input: inset, gravity: 'northeast' }]) : canvas;
}

function svg({ width, height }: Picture, content: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${content}</svg>`;
}

function background({ width, height, fingerprint }: Picture): string {
  const hue = Math.floor(fraction(fingerprint, 'hue') * 360);
  const angle = Math.floor(fraction(fingerprint, 'angle') * 90);
  return (
    `<defs><linearGradient id="b" gradientTransform="rotate(${angle})"><stop offset="0" stop-color="hsl(${hue},48%,64%)"/>` +
    `<stop offset="1" stop-color="hsl(${(hue + 70) % 360},42%,38%)"/></linearGradient></defs>` +
    `<rect width="${width}" height="${height}" fill="url(#b)"/>`
  );
}

function portrait({ width, height, fingerprint }: Picture, identity: string, step: number): string {
  const scale = (Math.min(width, height) / 100) * (0.78 + fraction(fingerprint, 'zoom') * 0.2);
  const x = (width - 100 * scale) / 2;
  const y = height - 100 * scale;
  return `<g transform="translate(${x} ${y}) scale(${scale})">${portraitSvg(identity, fingerprint, step)}</g>`;
}

function caption(picture: Picture): string {
  const { width, height } = picture;
  const dot = Math.max(1, Math.floor(Math.min(width, height) / 230));
  const columns = Math.max(4, Math.floor((width - 8 * dot) / (advanceDots * dot)));
  const lines = [
    ...wrapText(`${picture.provider} ${picture.endpoint}`, columns, 2),
    ...(picture.notes ?? []).flatMap((note) => wrapText(note, columns, 2)),
    ...wrapText(picture.prompt, columns, 4),
  ];
  const boxHeight = (lines.length * lineDots + 6) * dot;
  // A source brings its own caption at the bottom.
  const top = picture.source === undefined ? Math.max(0, height - boxHeight) : 0;
  const paths = lines.map((line, index) => textPath(line, 4 * dot, top + (4 + index * lineDots) * dot, dot));
  return (
    `<rect y="${top}" width="${width}" height="${boxHeight}" fill="#0b0d12" fill-opacity="0.72"/>` +
    `<path shape-rendering="crispEdges" fill="#ffffff" d="${paths.join('')}"/>`
  );
}

async function encode(image: Sharp, format: PictureFormat): Promise<Buffer> {
  if (format === 'png') return await image.png({ compressionLevel: 2, adaptiveFiltering: false }).toBuffer();
  if (format === 'webp') return await image.webp({ quality: 75, effort: 0 }).toBuffer();
  return await image.jpeg({ quality: 80 }).toBuffer();
}
