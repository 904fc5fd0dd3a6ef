import { ForeignUrlError, isDataUrl, MediaError } from '../../assets';
import type { MediaProblem } from '../../domain/media';
import type { AssetRef, InputAssets } from '../../domain/requests';
import type { RefusalCode, RefusalIssue } from '../../registry';
import { scopeMissing } from '../access/principal';
import type { ApiContext } from '../context';
import { parseAssetUrl, type ParsedAssetUrl } from '../http/parse-asset-url';

/** One picture field of a request. */
export interface AssetField {
  role: keyof InputAssets;
  /** The field's name in the request. */
  field: string;
  url: string | undefined;
  /** Default: a picture only. */
  mayBeClip?: boolean;
}

type AssetContext = Pick<ApiContext, 'assetStore' | 'assetRecords' | 'foreignPictures' | 'routing'>;

/** Who asks, and for what. */
export interface AssetUse {
  caller: string;
  ownHost: string;
  /** Pictures from elsewhere become assets, which a key that may only look may not make. */
  mayStore: boolean;
  /** The request is declared NSFW, and keeps to the routes for that. */
  nsfw: boolean;
}

/**
 * Turns the URLs of a request into assets that exist here; a picture from elsewhere is fetched, and becomes one. What
 * cannot be used becomes an issue with the way out.
 */
export async function resolveAssets(
  context: AssetContext,
  fields: readonly AssetField[],
  use: AssetUse,
): Promise<{ assets: InputAssets; issues: RefusalIssue[] }> {
  const assets: InputAssets = {};
  const issues: RefusalIssue[] = [];
  const given = fields.flatMap((field) => (field.url === undefined ? [] : [{ ...field, url: field.url }]));
  // All at once: each may take its whole time.
  const resolved = await Promise.all(given.map((field) => resolveAsset(context, field, use)));
  given.forEach(({ role }, index) => {
    const one = resolved[index];
    if (one === undefined) return;
    if ('code' in one) issues.push(one);
    else assets[role] = one;
  });
  return { assets, issues };
}

type GivenField = AssetField & { url: string };

async function resolveAsset(
  context: AssetContext,
  given: GivenField,
  use: AssetUse,
): Promise<AssetRef | RefusalIssue> {
  const parsed = isDataUrl(given.url) ? foreign : parseAssetUrl(given.url, use.ownHost);
  const found =
    'problem' in parsed && parsed.problem === 'foreign_url'
      ? await storeForeign(context, given, use)
      : await ownAsset(context, given.field, { caller: use.caller, parsed });
  return typeof found === 'string' ? await usableAsset(context, { ...given, assetId: found }, use) : found;
}

const foreign: ParsedAssetUrl = { problem: 'foreign_url' };

/** What is somebody else's is not there. */
async function ownAsset(
  { assetRecords }: AssetContext,
  field: string,
  { caller, parsed }: { caller: string; parsed: ParsedAssetUrl },
): Promise<string | RefusalIssue> {
  if ('assetId' in parsed && (await assetRecords.belongsTo(caller, parsed.assetId))) return parsed.assetId;
  return { field, code: 'unknown_asset', message: messages.unknown_asset };
}

async function usableAsset(
  { assetStore, assetRecords, routing }: AssetContext,
  { field, assetId, mayBeClip = false }: GivenField & { assetId: string },
  { caller, nsfw }: AssetUse,
): Promise<AssetRef | RefusalIssue> {
  const record = await assetRecords.find(assetId);
  // The record may be there while the bytes are gone, and the other way round after a crash: the bytes decide.
  const stored = await assetStore.stat(assetId);
  if (stored === undefined) return { field, code: 'unknown_asset', message: messages.unknown_asset };
  if (!nsfw) {
    // A picture is noted a moment after it is shown; until then nobody can say whose it is.
    const isUnclear = record === undefined && routing.nsfwEnabled;
    if (isUnclear) return { field, code: 'asset_not_ready', message: messages.asset_not_ready };
    if (await assetRecords.isNsfw(caller, assetId))
      return { field, code: 'nsfw_asset', message: messages.nsfw_asset };
  }
  const { mediaType, bytes, width, height, frames = 1 } = { ...stored, ...record };
  if (!mayBeClip && (mediaType.startsWith('video/') || frames > 1)) {
    return { field, code: 'wrong_media_type', message: 'this asset is a clip: send a still picture' };
  }
  return { assetId, mediaType, bytes, width, height };
}

/**
 * @returns the id of what is an asset of the caller from then on, or why there is none
 * @throws HttpProblem 403
 */
async function storeForeign(
  { foreignPictures, assetRecords }: AssetContext,
  { field, url, mayBeClip = false }: GivenField,
  { caller, mayStore }: AssetUse,
): Promise<string | RefusalIssue> {
  if (!mayStore) throw scopeMissing('start', `/${field}`);
  try {
    const asset = await foreignPictures.store(url, { expects: mayBeClip ? undefined : 'image', caller });
    await assetRecords.recordUpload(asset, caller);
    return asset.assetId;
  } catch (error) {
    if (error instanceof ForeignUrlError) return { field, code: error.problem, message: error.message };
    const code = error instanceof MediaError ? mediaCodes[error.problem] : undefined;
    if (!(error instanceof MediaError) || code === undefined) throw error;
    return { field, code, message: `is of no use: ${error.message}` };
  }
}

/** What came was no picture that can be used. */
const mediaCodes: Readonly<Partial<Record<MediaProblem, RefusalCode>>> = {
  not_media: 'not_an_image',
  wrong_kind: 'wrong_media_type',
  too_large: 'url_too_large',
  empty: 'empty',
  truncated: 'truncated',
};

const messages = {
  nsfw_asset: 'an NSFW request made this picture, so it may only be used in another one: send "nsfw": true',
  asset_not_ready: 'this picture is just being noted: send the request again in a moment',
  unknown_asset: 'there is no such asset: upload the file with POST /v1/assets and send the url it answers',
} as const;
