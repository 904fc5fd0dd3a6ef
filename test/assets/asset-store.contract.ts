import { createHash } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { AssetNotFound } from '../../src/domain/media';
import type { AssetStore } from '../../src/assets/asset-store';
import type { KindLimits } from '../../src/assets/receive-media';
import { blankPicture, clip, mp4, picture } from './pictures';

export interface StoreRig {
  /** Opens the same, empty at the start of each test. */
  open(limits?: KindLimits): AssetStore;
  /** Whatever lies there, also what is not whole yet. */
  everything(): Promise<string[]>;
}

export function stream(bytes: Buffer): Readable {
  return Readable.from([bytes.subarray(0, 10), bytes.subarray(10)]);
}

/** What every asset store promises, wherever it keeps the bytes. */
export function describeAssetStore(rig: () => StoreRig): void {
  const open = (limits?: KindLimits) => rig().open(limits);
  const everything = () => rig().everything();

  it('names an asset by the hash of its bytes and gives the same bytes back', async () => {
    const store = open();
    const bytes = await picture('jpeg');
    const assetId = createHash('sha256').update(bytes).digest('hex');

    const stored = await store.put(stream(bytes));

    const facts = { assetId, mediaType: 'image/jpeg', bytes: bytes.length, width: 96, height: 64 };
    expect(stored).toEqual({ ...facts, perceptualHash: stored.perceptualHash });
    expect(stored.perceptualHash).toHaveLength(64);
    expect(await store.stat(assetId)).toEqual(facts);
    expect(await store.find(assetId)).toEqual({ mediaType: 'image/jpeg', bytes: bytes.length });
    const opened = await store.open(assetId);
    expect(opened).toMatchObject({ mediaType: 'image/jpeg', bytes: bytes.length });
    expect(await buffer(opened.stream)).toEqual(bytes);
  });

  it('removes an asset with its thumbnails, and nothing else; twice is no error', async () => {
    const store = open();
    const other = await store.put(stream(await picture('png', { seed: 2 })));
    const before = await everything();
    const { assetId } = await store.put(stream(await picture('webp')));
    for (const width of [160, 320, 640]) await store.putThumbnail(assetId, width, await picture('webp'));

    await store.remove(assetId);
    await store.remove(assetId);

    expect(await store.find(assetId)).toBeUndefined();
    expect(await store.find(other.assetId)).toBeDefined();
    expect(await everything()).toEqual(before);
    await expect(store.remove('../../etc/passwd')).resolves.toBeUndefined();
  });

  it('takes twelve megabytes', async () => {
    const small = await picture('png');
    const bytes = Buffer.concat([small.subarray(0, 33), padding(12_000_000), small.subarray(33)]);
    const store = open();

    const { assetId } = await store.put(Readable.from([bytes]));

    expect((await buffer((await store.open(assetId)).stream)).equals(bytes)).toBe(true);
  });

  it.each([
    ['half the size', { width: 192, height: 128 }],
    ['lying instead of upright', { width: 64, height: 96 }],
    ['wider than asked', { width: 64, height: 64 }],
    ['a little too small', { width: 120, height: 80 }],
  ])('refuses a picture that is %s, and leaves nothing behind', async (_name, expectedSize) => {
    const storing = open().put(stream(await picture('png')), { expectedSize });
    await expect(storing).rejects.toMatchObject({ name: 'MediaError', problem: 'wrong_size' });
    expect(await everything()).toEqual([]);
  });

  it.each([
    ['exactly', { width: 96, height: 64 }],
    ['larger in the same shape', { width: 48, height: 32 }],
    ['rounded down by a few pixels', { width: 104, height: 70 }],
  ])('takes a picture that is %s as asked', async (_name, expectedSize) => {
    const stored = await open().put(stream(await picture('png')), { expectedSize });
    expect(stored).toMatchObject({ width: 96, height: 64 });
  });

  it('opens a part of an asset, its last byte included', async () => {
    const store = open();
    const bytes = await picture('png');
    const { assetId } = await store.put(stream(bytes));

    const opened = await store.open(assetId, { start: 10, end: 19 });

    expect(opened.bytes).toBe(bytes.length);
    expect(await buffer(opened.stream)).toEqual(bytes.subarray(10, 20));
  });

  it('lets a reader go in the middle, and goes on', async () => {
    const store = open();
    const small = await picture('png');
    const bytes = Buffer.concat([small.subarray(0, 33), padding(1_000_000), small.subarray(33)]);
    const { assetId } = await store.put(Readable.from([bytes]));

    for (let time = 0; time < 60; time += 1) (await store.open(assetId)).stream.destroy();

    expect(await store.find(assetId)).toBeDefined();
  });

  it('knows the media type after a restart', async () => {
    const { assetId } = await open().put(stream(await clip()));
    expect(await open().stat(assetId)).toMatchObject({ mediaType: 'image/webp', frames: 5 });
  });

  it('stores the same bytes once, also when they arrive ten times at the same moment', async () => {
    const store = open();
    const bytes = await picture('png');
    const stored = await Promise.all(Array.from({ length: 10 }, () => store.put(stream(bytes))));
    expect(new Set(stored.map((asset) => asset.assetId)).size).toBe(1);
    expect(await everything()).toHaveLength(1);
  });

  it('shows nothing and leaves nothing when the caller aborts half-way', async () => {
    const source = new PassThrough();
    const controller = new AbortController();
    const bytes = await picture('png');
    const stored = open().put(source, { signal: controller.signal });
    source.write(bytes.subarray(0, 100));
    while ((await everything()).length === 0) await setImmediate();
    controller.abort(new Error('the user changed their mind'));
    await expect(stored).rejects.toThrow('the user changed their mind');
    expect(source.destroyed).toBe(true);
    expect(await everything()).toEqual([]);
  });

  it('passes the error of a broken connection on and leaves nothing', async () => {
    const bytes = await picture('png');
    const broken = Readable.from(
      (function* () {
        yield bytes.subarray(0, 100);
        throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
      })(),
    );
    await expect(open().put(broken)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await everything()).toEqual([]);
  });

  it('survives a stream that breaks before the store is ready to read it', async () => {
    const source = new PassThrough();
    const stored = open().put(source);
    source.destroy(new Error('reset before the first byte'));
    await expect(stored).rejects.toThrow('reset before the first byte');
  });

  it.each([
    ['an empty body', () => Buffer.alloc(0), {}, 'empty'],
    ['a login page', () => Buffer.from('<html>Sign in to continue, please.</html>'), {}, 'not_media'],
    ['a body shorter than any signature', () => Buffer.from('ok'), {}, 'not_media'],
    ['a half picture', async () => (await picture('jpeg')).subarray(0, 500), {}, 'truncated'],
    ['a black picture', () => blankPicture('black'), {}, 'blank'],
    ['a clip where a picture was expected', () => mp4(), { expects: 'image' }, 'wrong_kind'],
    ['a picture where a clip was expected', () => picture('webp'), { expects: 'video' }, 'wrong_kind'],
    ['one byte too many', () => picture('png'), { maxBytes: 100 }, 'too_large'],
  ] as const)('refuses %s and leaves nothing', async (_name, make, options, problem) => {
    const bytes = await make();
    await expect(open().put(Readable.from([bytes]), options)).rejects.toMatchObject({
      name: 'MediaError',
      problem,
    });
    expect(await everything()).toEqual([]);
  });

  it('stops an endless page after its first bytes and an endless picture at the limit', async () => {
    const store = open({ image: 50_000, video: 100_000 });
    const head = await picture('png');
    let chunks = 0;
    const endless = (first: Buffer): Readable =>
      Readable.from(
        (function* () {
          yield first;
          for (;;) {
            chunks += 1;
            yield Buffer.alloc(1_000, 1);
          }
        })(),
      );
    await expect(store.put(endless(Buffer.from('<html>'.repeat(10))))).rejects.toMatchObject({
      problem: 'not_media',
    });
    await expect(store.put(endless(head))).rejects.toMatchObject({ problem: 'too_large' });
    expect(chunks).toBeLessThan(150);
  });

  it('accepts a white mask when blank pictures are allowed', async () => {
    const mask = await open().put(stream(await blankPicture('white')), { allowBlank: true });
    expect(mask.mediaType).toBe('image/png');
  });

  it.each(['', 'no-such-asset', '../../etc/passwd', 'f'.repeat(64), 'F'.repeat(64), `${'a'.repeat(63)}/`])(
    'does not know the asset "%s"',
    async (assetId) => {
      const store = open();
      await expect(store.open(assetId)).rejects.toBeInstanceOf(AssetNotFound);
      expect(await store.stat(assetId)).toBeUndefined();
      expect(await store.find(assetId)).toBeUndefined();
      expect(await store.openThumbnail(assetId, 160)).toBeUndefined();
    },
  );

  it('keeps a thumbnail of each width beside its asset, and the asset as it was', async () => {
    const store = open();
    const bytes = await picture('png');
    const { assetId } = await store.put(stream(bytes));
    const thumbnail = await picture('webp');

    await store.putThumbnail(assetId, 160, thumbnail);

    const opened = await store.openThumbnail(assetId, 160);
    expect(opened).toMatchObject({ mediaType: 'image/webp', bytes: thumbnail.length });
    expect(opened && (await buffer(opened.stream))).toEqual(thumbnail);
    expect(await store.openThumbnail(assetId, 320)).toBeUndefined();
    expect(await store.find(assetId)).toEqual({ mediaType: 'image/png', bytes: bytes.length });
  });

  it('is ready', async () => {
    await expect(open().ready()).resolves.toBeUndefined();
  });
}

/** A PNG chunk nobody reads. */
function padding(length: number): Buffer {
  const content = Buffer.alloc(length + 4, 7);
  content.write('paDd', 0, 'latin1');
  const chunk = Buffer.alloc(length + 12);
  chunk.writeUInt32BE(length, 0);
  content.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(content), length + 8);
  return chunk;
}
