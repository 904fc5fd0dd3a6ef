import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { AssetNotFound } from '../../src/domain/media';
import { createFilesystemAssetStore } from '../../src/assets/filesystem-asset-store';
import { toMediaStore } from '../../src/assets/media-store';
import { blankPicture, clip, mp4, picture } from './pictures';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ryla-assets-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

function stream(bytes: Buffer): Readable {
  return Readable.from([bytes.subarray(0, 10), bytes.subarray(10)]);
}

/** Every file below the store, as relative paths. */
async function files(): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

describe('the filesystem asset store', () => {
  it('names an asset by the hash of its bytes and gives the same bytes back', async () => {
    const store = createFilesystemAssetStore({ directory });
    const bytes = await picture('jpeg');
    const assetId = createHash('sha256').update(bytes).digest('hex');

    const stored = await store.put(stream(bytes));

    const facts = { assetId, mediaType: 'image/jpeg', bytes: bytes.length, width: 96, height: 64 };
    expect(stored).toEqual({ ...facts, perceptualHash: stored.perceptualHash });
    expect(stored.perceptualHash).toHaveLength(64);
    expect(await store.stat(assetId)).toEqual(facts);
    const opened = await store.open(assetId);
    expect(opened).toMatchObject({ mediaType: 'image/jpeg', bytes: bytes.length });
    expect(await buffer(opened.stream)).toEqual(bytes);
    expect(
      await readFile(join(directory, assetId.slice(0, 2), assetId.slice(2, 4), `${assetId}.jpg`)),
    ).toEqual(bytes);
  });

  it.each([
    ['half the size', { width: 192, height: 128 }],
    ['lying instead of upright', { width: 64, height: 96 }],
    ['wider than asked', { width: 64, height: 64 }],
    ['a little too small', { width: 120, height: 80 }],
  ])('refuses a picture that is %s, and leaves nothing behind', async (_name, expectedSize) => {
    const store = createFilesystemAssetStore({ directory });
    const storing = store.put(stream(await picture('png')), { expectedSize });
    await expect(storing).rejects.toMatchObject({ name: 'MediaError', problem: 'wrong_size' });
    expect(await files()).toEqual([]);
  });

  it.each([
    ['exactly', { width: 96, height: 64 }],
    ['larger in the same shape', { width: 48, height: 32 }],
    ['rounded down by a few pixels', { width: 104, height: 70 }],
  ])('takes a picture that is %s as asked', async (_name, expectedSize) => {
    const store = createFilesystemAssetStore({ directory });
    const stored = await store.put(stream(await picture('png')), { expectedSize });
    expect(stored).toMatchObject({ width: 96, height: 64 });
  });

  it('opens a part of an asset, its last byte included', async () => {
    const store = createFilesystemAssetStore({ directory });
    const bytes = await picture('png');
    const { assetId } = await store.put(stream(bytes));

    const opened = await store.open(assetId, { start: 10, end: 19 });

    expect(opened.bytes).toBe(bytes.length);
    expect(await buffer(opened.stream)).toEqual(bytes.subarray(10, 20));
  });

  it('knows the media type after a restart, from the file alone', async () => {
    const { assetId } = await createFilesystemAssetStore({ directory }).put(stream(await clip()));
    const restarted = createFilesystemAssetStore({ directory });
    expect(await restarted.stat(assetId)).toMatchObject({ mediaType: 'image/webp', frames: 5 });
  });

  it('stores the same bytes once, also when they arrive ten times at the same moment', async () => {
    const store = createFilesystemAssetStore({ directory });
    const bytes = await picture('png');
    const stored = await Promise.all(Array.from({ length: 10 }, () => store.put(stream(bytes))));
    expect(new Set(stored.map((asset) => asset.assetId)).size).toBe(1);
    expect(await files()).toEqual([`${stored[0]?.assetId ?? ''}.png`]);
  });

  it('shows nothing and leaves nothing when the caller aborts half-way', async () => {
    const store = createFilesystemAssetStore({ directory });
    const source = new PassThrough();
    const controller = new AbortController();
    const bytes = await picture('png');
    const stored = store.put(source, { signal: controller.signal });
    source.write(bytes.subarray(0, 100));
    while ((await files()).length === 0) await setImmediate();
    controller.abort(new Error('the user changed their mind'));
    await expect(stored).rejects.toThrow('the user changed their mind');
    expect(source.destroyed).toBe(true);
    expect(await files()).toEqual([]);
  });

  it('passes the error of a broken connection on and leaves nothing', async () => {
    const store = createFilesystemAssetStore({ directory });
    const bytes = await picture('png');
    const broken = Readable.from(
      (function* () {
        yield bytes.subarray(0, 100);
        throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
      })(),
    );
    await expect(store.put(broken)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await files()).toEqual([]);
  });

  it('survives a stream that breaks before the store is ready to read it', async () => {
    const store = createFilesystemAssetStore({ directory });
    const source = new PassThrough();
    const stored = store.put(source);
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
    const store = createFilesystemAssetStore({ directory });
    const bytes = await make();
    await expect(store.put(Readable.from([bytes]), options)).rejects.toMatchObject({
      name: 'MediaError',
      problem,
    });
    expect(await files()).toEqual([]);
  });

  it('stops an endless page after its first bytes and an endless picture at the limit', async () => {
    const store = createFilesystemAssetStore({ directory, maxBytes: { image: 50_000, video: 100_000 } });
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
    const store = createFilesystemAssetStore({ directory });
    const mask = await store.put(stream(await blankPicture('white')), { allowBlank: true });
    expect(mask.mediaType).toBe('image/png');
  });

  it.each(['', 'no-such-asset', '../../etc/passwd', 'f'.repeat(64), 'F'.repeat(64), `${'a'.repeat(63)}/`])(
    'does not know the asset "%s"',
    async (assetId) => {
      const store = createFilesystemAssetStore({ directory });
      await expect(store.open(assetId)).rejects.toBeInstanceOf(AssetNotFound);
      expect(await store.stat(assetId)).toBeUndefined();
    },
  );

  it('sweeps what a crash left behind an hour ago, and nothing younger', async () => {
    const temporary = join(directory, 'tmp');
    await mkdir(temporary);
    await writeFile(join(temporary, 'old.part'), 'half');
    await writeFile(join(temporary, 'young.part'), 'half');
    const twoHoursAgo = new Date(Date.now() - 2 * 3_600_000);
    await utimes(join(temporary, 'old.part'), twoHoursAgo, twoHoursAgo);

    await createFilesystemAssetStore({ directory }).ready();

    expect(await files()).toEqual(['young.part']);
  });

  it('is not ready while its directory cannot be made, and is once it can', async () => {
    const blocked = join(directory, 'volume');
    await writeFile(blocked, 'a file where the directory should be');
    const store = createFilesystemAssetStore({ directory: blocked });
    await expect(store.ready()).rejects.toThrow();
    await rm(blocked);
    await expect(store.ready()).resolves.toBeUndefined();
  });
});

describe('the asset store as providers see it', () => {
  it('says that the input is gone', async () => {
    const media = toMediaStore(createFilesystemAssetStore({ directory }));
    await expect(media.open('f'.repeat(64))).rejects.toBeInstanceOf(AssetNotFound);
  });

  it('never takes a blank picture as a result', async () => {
    const media = toMediaStore(createFilesystemAssetStore({ directory }));
    const { signal } = new AbortController();
    const saved = media.save(stream(await blankPicture('black')), { signal, expects: 'image' });
    await expect(saved).rejects.toMatchObject({ problem: 'blank' });
  });
});
