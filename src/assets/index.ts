export { type AssetStore, type ByteRange, type OpenedAsset, type PutOptions } from './asset-store';
export { createFilesystemAssetStore, type FilesystemAssetStoreOptions } from './filesystem-asset-store';
export { toMediaStore } from './media-store';
export { AssetNotFound, MediaError } from '../domain/media';
