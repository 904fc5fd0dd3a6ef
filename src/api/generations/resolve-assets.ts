import type { AssetRef, InputAssets } from '../../domain/requests';
import type { RefusalIssue } from '../../registry';
import type { ApiContext } from '../context';
import { parseAssetUrl } from '../http/parse-asset-url';

/** One asset field of a request. */
export interface AssetField {
  role: keyof InputAssets;
  /** The field's name in the request. */
  field: string;
  url: string | undefined;
  /** Default: a picture only. */
  mayBeClip?: boolean;
}

type AssetContext = Pick<ApiContext, 'assetStore' | 'assetRecords' | 'routing'>;

interface AssetUse {
  caller: string;
  ownHost: string;
  /** The request is declared NSFW, and keeps to the routes for that. */
  nsfw: boolean;
}

/** Turns asset URLs into ids of assets that exist here; what cannot be used becomes an issue with the way out. */
export async function resolveAssets(
  context: AssetContext,
  fields: readonly AssetField[],
  use: AssetUse,
): Promise<{ assets: InputAssets; issues: RefusalIssue[] }> {
  const assets: InputAssets = {};
  const issues: RefusalIssue[] = [];
  for (const field of fields) {
    if (field.url === undefined) continue;
    const resolved = await resolveAsset(context, { ...field, url: field.url }, use);
    if ('code' in resolved) issues.push(resolved);
    else assets[field.role] = resolved;
  }
  return { assets, issues };
}

async function resolveAsset(
  { assetStore, assetRecords, routing }: AssetContext,
  { field, url, mayBeClip = false }: AssetField & { url: string },
  { caller, ownHost, nsfw }: AssetUse,
): Promise<AssetRef | RefusalIssue> {
  const parsed = parseAssetUrl(url, ownHost);
  if ('problem' in parsed) return { field, code: parsed.problem, message: messages[parsed.problem] };
  const isOwn = await assetRecords.belongsTo(caller, parsed.assetId);
  if (!isOwn) return { field, code: 'unknown_asset', message: messages.unknown_asset };
  const record = await assetRecords.find(parsed.assetId);
  // The record may be there while the bytes are gone, and the other way round after a crash: the bytes decide.
  const stored = await assetStore.stat(parsed.assetId);
  if (stored === undefined) return { field, code: 'unknown_asset', message: messages.unknown_asset };
  if (!nsfw) {
    // A picture is noted a moment after it is shown; until then nobody can say whose it is.
    const isUnclear = record === undefined && routing.nsfwEnabled;
    if (isUnclear) return { field, code: 'asset_not_ready', message: messages.asset_not_ready };
    if (await assetRecords.isNsfw(caller, parsed.assetId))
      return { field, code: 'nsfw_asset', message: messages.nsfw_asset };
  }
  const { mediaType, bytes, width, height, frames = 1 } = { ...stored, ...record };
  if (!mayBeClip && (mediaType.startsWith('video/') || frames > 1)) {
    return { field, code: 'wrong_media_type', message: 'this asset is a clip: send a still picture' };
  }
  return { assetId: parsed.assetId, mediaType, bytes, width, height };
}

const messages = {
  foreign_url:
    'only our own assets can be used: upload the file with POST /v1/assets and send the url it answers',
  nsfw_asset: 'an NSFW request made this picture, so it may only be used in another one: send "nsfw": true',
  asset_not_ready: 'this picture is just being noted: send the request again in a moment',
  unknown_asset: 'there is no such asset: upload the file with POST /v1/assets and send the url it answers',
} as const;
