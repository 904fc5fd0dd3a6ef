export {
  type AssetStore,
  type ByteRange,
  type OpenedAsset,
  type PutOptions,
  type ThumbnailSize,
} from './asset-store';
export { AssetsUnavailable } from './assets-unavailable';
export { createFilesystemAssetStore, type FilesystemAssetStoreOptions } from './filesystem-asset-store';
export { isDataUrl } from './foreign/data-url';
export {
  createForeignPictures,
  type ForeignPictures,
  type ForeignPicturesOptions,
} from './foreign/foreign-pictures';
export { ForeignUrlError } from './foreign/foreign-url-error';
export { openAssetStore, type AssetStoreSettings } from './open-asset-store';
export { toMediaStore } from './media-store';
export { createThumbnails, type Thumbnails } from './thumbnails';
export { AssetNotFound, MediaError } from '../domain/media';
