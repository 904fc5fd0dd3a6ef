import { pipeline } from 'node:stream/promises';
import sharp from 'sharp';
import { AssetNotFound, MediaError } from '../domain/media';
import type { AssetStore, OpenedAsset, ThumbnailSize } from './asset-store';

const maximumPixels = 40e6;
const decodeSeconds = 30;
const quality = 80;

export interface Thumbnails {
  /**
   * A WebP of an asset; of an animation, its first frame. It is made at the first wish, and stored.
   *
   * @throws AssetNotFound, and MediaError `wrong_kind` for an MP4, which is not decoded here.
   */
  open(assetId: string, size: ThumbnailSize): Promise<OpenedAsset>;
}

export function createThumbnails(store: AssetStore): Thumbnails {
  /** Ten browsers that ask at once wait for one of them. */
  const underWay = new Map<string, Promise<void>>();

  async function make(assetId: string, size: ThumbnailSize): Promise<void> {
    const name = `${assetId}-${size}`;
    const making =
      underWay.get(name) ?? makeThumbnail(store, assetId, size).finally(() => underWay.delete(name));
    underWay.set(name, making);
    await making;
  }

  return {
    async open(assetId, size) {
      const stored = await store.openThumbnail(assetId, size);
      if (stored !== undefined) return stored;
      await make(assetId, size);
      const made = await store.openThumbnail(assetId, size);
      if (made === undefined) throw new AssetNotFound(assetId);
      return made;
    },
  };
}

async function makeThumbnail(store: AssetStore, assetId: string, size: ThumbnailSize): Promise<void> {
  const { stream, mediaType } = await store.open(assetId);
  if (mediaType === 'video/mp4') {
    stream.destroy();
    throw new MediaError('wrong_kind', 'there are no thumbnails of MP4 clips');
  }
  const picture = sharp({ limitInputPixels: maximumPixels })
    .timeout({ seconds: decodeSeconds })
    .autoOrient()
    .resize(size, size, { fit: 'inside', withoutEnlargement: true })
    // How the picture was made stays with its copies.
    .keepXmp()
    .webp({ quality });
  const [bytes] = await Promise.all([picture.toBuffer(), pipeline(stream, picture)]);
  await store.putThumbnail(assetId, size, bytes);
}
