/** A picture or clip in the asset store. */
export interface StoredAsset {
  assetId: string;
  mediaType: string;
  bytes: number;
  width?: number | undefined;
  height?: number | undefined;
  /** Frames of an animation; absent for stills. */
  frames?: number | undefined;
  /** 64-bit perceptual hash, as bits; absent for clips. Pictures that look alike differ in few bits. */
  perceptualHash?: string | undefined;
}
