import { z } from 'zod';
import { AssetNotFound, type ThumbnailSize } from '../../assets';
import { callerOf } from '../access/principal';
import { assetLinksAnswer } from '../answers/things';
import type { ApiContext, ApiServer } from '../context';
import { signedAssetPath, signedThumbnailPath } from '../http/asset-signature';
import { HttpProblem } from '../http/http-problem';

const params = z.object({ id: z.string() });
const dayS = 86_400;
const defaultSeconds = 3600;
const body = z.strictObject({
  seconds: z
    .int()
    .min(60)
    .max(7 * dayS)
    .default(defaultSeconds),
});

/** `POST /v1/assets/{id}/links`: addresses that a browser can load without a key, until they end. */
export function addAssetLinkRoute(app: ApiServer, context: ApiContext): void {
  const { assetRecords, assetStore, assetUrlSecret: secret } = context;
  // Whoever may look may show it.
  const config = { access: 'read', effect: 'none' } as const;
  const response = { 200: assetLinksAnswer };
  app.post(
    '/v1/assets/:id/links',
    { config, schema: { params, body: body.nullish(), response } },
    async (request) => {
      const { id } = request.params;
      if (!(await assetRecords.belongsTo(callerOf(request), id))) throw new AssetNotFound(id);
      const found = await assetStore.find(id);
      if (found === undefined) throw new AssetNotFound(id);
      if (secret === undefined) throw notSigned();
      const seconds = request.body?.seconds ?? defaultSeconds;
      const expires = Math.floor(Date.now() / 1000) + seconds;
      const thumbnail = (size: ThumbnailSize) => signedThumbnailPath(secret, { assetId: id, size }, expires);
      return {
        id,
        url: signedAssetPath(secret, id, expires),
        thumbnails:
          found.mediaType === 'video/mp4'
            ? null
            : { 160: thumbnail(160), 320: thumbnail(320), 640: thumbnail(640) },
        expiresAt: new Date(expires * 1000).toISOString(),
      };
    },
  );
}

function notSigned(): HttpProblem {
  return new HttpProblem(409, 'signing_disabled', 'This installation signs no links: set ASSET_URL_SECRET.');
}
