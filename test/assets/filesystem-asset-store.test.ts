import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AssetNotFound } from '../../src/domain/media';
import { createFilesystemAssetStore } from '../../src/assets/filesystem-asset-store';
import { toMediaStore } from '../../src/assets/media-store';
import { describeAssetStore, stream } from './asset-store.contract';
import { blankPicture, picture } from './pictures';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ryla-assets-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** Every file below the store, as relative paths. */
async function files(): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

describe('the filesystem asset store', () => {
  describeAssetStore(() => ({
    open: (maxBytes) => createFilesystemAssetStore({ directory, maxBytes }),
    everything: files,
  }));

  it('names the file by content and type, so that a folder tells all by itself', async () => {
    const bytes = await picture('jpeg');
    const { assetId } = await createFilesystemAssetStore({ directory }).put(stream(bytes));

    const path = join(directory, assetId.slice(0, 2), assetId.slice(2, 4), `${assetId}.jpg`);
    expect(await readFile(path)).toEqual(bytes);
  });

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
