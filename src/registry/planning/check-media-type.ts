import type { AssetRef } from '../../domain/requests';
import type { RefusalIssue } from '../refusal';

/** Refuses an input of the wrong kind before it is sent anywhere. `kinds` are prefixes such as `image/`. */
export function checkMediaType(
  field: string,
  asset: AssetRef | undefined,
  kinds: readonly ('image/' | 'video/')[],
): RefusalIssue[] {
  if (asset === undefined || kinds.some((kind) => asset.mediaType.startsWith(kind))) return [];
  const wanted = kinds.map((kind) => (kind === 'image/' ? 'a picture' : 'a clip')).join(' or ');
  const message = `must be ${wanted}; this asset is ${asset.mediaType}`;
  return [{ field, code: 'wrong_media_type', message }];
}
