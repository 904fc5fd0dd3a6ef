import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { createFilesystemAssetStore } from '../../src/assets/filesystem-asset-store';
import { picture } from './pictures';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ryla-assets-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const digitalSource = 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia';
const xmp = `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 exif:GPSLatitude="52,31.SECRETPLACE"><ext:DigitalSourceType>${digitalSource}</ext:DigitalSourceType>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`;

type Format = 'jpeg' | 'png' | 'webp';
const formats: Format[] = ['jpeg', 'png', 'webp'];

/** As a phone would write it: a camera, a place, lying on its side; and as a generator would: marked in XMP. */
async function photo(format: Format, orientation = 6): Promise<Buffer> {
  return await sharp(await picture('png', { width: 96, height: 64 }))
    .withMetadata({
      orientation,
      exif: {
        IFD0: { Make: 'SECRETCAMERA' },
        IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '52/1 31/1 7/1' },
      },
    })
    .withXmp(xmp)
    .toFormat(format)
    .toBuffer();
}

async function upload(
  bytes: Buffer,
): Promise<{ assetId: string; stored: Buffer; width?: number | undefined }> {
  const store = createFilesystemAssetStore({ directory });
  const { assetId, width } = await store.put(Readable.from([bytes]), { dropPrivate: true });
  return { assetId, width, stored: await buffer((await store.open(assetId)).stream) };
}

const pixels = (bytes: Buffer) => sharp(bytes).autoOrient().raw().toBuffer();

describe('what people send loses what it tells of them', () => {
  it.each(formats)('%s: no camera, no place; the same pixels, the right way up', async (format) => {
    const sent = await photo(format);
    expect(sent.includes('SECRETCAMERA')).toBe(true);

    const { stored, width } = await upload(sent);

    expect(stored.includes('SECRET')).toBe(false);
    expect((await sharp(stored).metadata()).exif?.length ?? 0).toBeLessThan(40);
    expect(width).toBe(64);
    expect(await pixels(stored)).toEqual(await pixels(sent));
  });

  it.each(formats)('%s: no EXIF at all where the picture is upright', async (format) => {
    const { stored } = await upload(await photo(format, 1));

    expect((await sharp(stored).metadata()).exif).toBeUndefined();
    // Of a WebP, the bits that announce EXIF and XMP: the mark stays, the place does not.
    if (format === 'webp') expect((stored[20] ?? 0) & 0x0c).toBe(0x04);
  });

  it.each(formats)('%s: the mark of how it was made stays', async (format) => {
    const { stored } = await upload(await photo(format));

    expect((await sharp(stored).metadata()).xmpAsString).toContain(`DigitalSourceType="${digitalSource}"`);
  });

  it.each(formats)('%s: what comes back is the same asset', async (format) => {
    const first = await upload(await photo(format));
    const second = await upload(first.stored);

    expect(second.assetId).toBe(first.assetId);
    await rm(directory, { recursive: true });
    expect((await upload(first.stored)).assetId).toBe(first.assetId);
  });

  it('a picture without any is kept to the byte', async () => {
    for (const format of formats) {
      const sent = await picture(format);
      expect((await upload(sent)).stored).toEqual(sent);
    }
  });

  it.each<[string, (plain: Buffer) => Buffer]>([
    ['a comment', (plain) => inserted(plain, 2, jpegSegment(0xfe, 'SECRET'))],
    ['IPTC of a newsroom', (plain) => inserted(plain, 2, jpegSegment(0xed, 'Photoshop 3.0\0SECRET'))],
    ['a second picture behind the first', (plain) => Buffer.concat([plain, Buffer.from('SECRET')])],
    [
      'more XMP',
      (plain) => inserted(plain, 2, jpegSegment(0xe1, 'http://ns.adobe.com/xmp/extension/\0SECRET')),
    ],
  ])('JPEG: %s goes', async (_name, add) => {
    const plain = await picture('jpeg');
    const { stored } = await upload(add(plain));

    expect(stored).toEqual(plain);
  });

  it.each<[string, string, string]>([
    ['a text', 'tEXt', 'Author\0SECRET'],
    ['an old EXIF profile', 'zTXt', 'Raw profile type exif\0\0SECRET'],
    ['a chunk nobody knows', 'seCr', 'SECRET'],
  ])('PNG: %s goes', async (_name, type, content) => {
    const plain = await picture('png');
    const { stored } = await upload(inserted(plain, 33, pngChunk(type, content)));

    expect(stored).toEqual(plain);
  });

  it('a C2PA manifest is signed over every byte, so all of them stay', async () => {
    const manifest = 'jumb\0c2pa';
    const webp = await photo('webp');
    const signed = [
      inserted(await photo('jpeg'), 2, jpegSegment(0xeb, `JP\0\0${manifest}`)),
      inserted(await photo('png'), 33, pngChunk('caBX', manifest)),
      webpWith(webp, 'C2PA', manifest),
    ];
    for (const bytes of signed) expect((await upload(bytes)).stored).toEqual(bytes);
  });

  it('a picture of ours that comes back is still ours, texts of its maker included', async () => {
    const store = createFilesystemAssetStore({ directory });
    const made = inserted(await picture('png'), 33, pngChunk('tEXt', 'workflow\0{}'));
    const { assetId } = await store.put(Readable.from([made]));

    expect((await upload(made)).assetId).toBe(assetId);
  });

  it.each<[string, (photo: Buffer) => Buffer]>([
    ['half a JPEG', (bytes) => bytes.subarray(0, bytes.length / 2)],
    ['a segment longer than the file', (bytes) => inserted(bytes, 2, Buffer.from([0xff, 0xe1, 0xff, 0xff]))],
  ])('%s is refused rather than guessed at', async (_name, break_) => {
    const sent = break_((await photo('jpeg')).subarray(0, 2000));
    await expect(upload(sent)).rejects.toMatchObject({ problem: 'truncated' });
  });

  it('looks through a hostile megabyte of XMP at once', async () => {
    const prefix = 'xmlns:ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" ';
    const hostile = `${prefix}${'<ext:DigitalSourceType '.repeat(40_000)}${' '.repeat(50_000)}`;
    const sent = inserted(
      await picture('png'),
      33,
      pngChunk('iTXt', `XML:com.adobe.xmp\0\0\0\0\0${hostile}`),
    );
    const start = process.cpuUsage();

    await upload(sent);

    expect(process.cpuUsage(start).user).toBeLessThan(5_000_000);
  });
});

function inserted(bytes: Buffer, at: number, part: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]);
}

function jpegSegment(marker: number, content: string): Buffer {
  const body = Buffer.from(content, 'latin1');
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

function pngChunk(type: string, content: string): Buffer {
  const body = Buffer.from(type + content, 'latin1');
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(body.length - 4, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), body.length + 4);
  return frame;
}

function webpWith(webp: Buffer, type: string, content: string): Buffer {
  const head = Buffer.alloc(8);
  head.write(type, 0, 'latin1');
  head.writeUInt32LE(content.length, 4);
  const whole = Buffer.concat([webp, head, Buffer.from(content, 'latin1'), Buffer.alloc(content.length % 2)]);
  whole.writeUInt32LE(whole.length - 8, 4);
  return whole;
}
