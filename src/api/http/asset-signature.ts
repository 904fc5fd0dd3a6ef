import { createHmac, timingSafeEqual } from 'node:crypto';
import { HttpProblem } from './http-problem';
import { assetUrl } from './links';

/** The query of an address that shows one asset, and its thumbnails, to whoever has it. */
export interface AssetSignature {
  /** Epoch seconds. */
  expires?: string | undefined;
  signature?: string | undefined;
}

/** A path that needs no key until then. */
export function signedAssetPath(secret: string, assetId: string, expires: number): string {
  return `${assetUrl(assetId)}?${signedQuery(secret, assetId, expires)}`;
}

export function signedThumbnailPath(
  secret: string,
  asset: { assetId: string; size: number },
  expires: number,
): string {
  const { assetId, size } = asset;
  return `${assetUrl(assetId)}/thumbnail?size=${size}&${signedQuery(secret, assetId, expires)}`;
}

function signedQuery(secret: string, assetId: string, expires: number): string {
  return `expires=${expires}&signature=${sign(secret, assetId, String(expires))}`;
}

/**
 * Whether an address is signed; one without expiry and signature is not, and counts as any other request.
 *
 * @throws HttpProblem 403 for a signature that is wrong or over, also of an installation that signs none.
 */
export function isSigned(
  secret: string | undefined,
  assetId: string,
  { expires, signature }: AssetSignature,
): boolean {
  if (expires === undefined && signature === undefined) return false;
  // The signature first: of an address that is not ours, nobody learns when it would end.
  if (secret === undefined || !matches(sign(secret, assetId, expires ?? ''), signature ?? '')) {
    throw new HttpProblem(403, 'link_invalid', 'The signature does not fit this asset: ask for a new link.');
  }
  if (Number(expires) * 1000 > Date.now()) return true;
  throw new HttpProblem(403, 'link_expired', 'This link is no longer valid: ask for a new one.');
}

function sign(secret: string, assetId: string, expires: string): string {
  return createHmac('sha256', secret).update(`${assetId}\n${expires}`).digest('base64url');
}

function matches(expected: string, given: string): boolean {
  const [left, right] = [Buffer.from(expected), Buffer.from(given)];
  return left.length === right.length && timingSafeEqual(left, right);
}
