import { z } from 'zod';
import { AssetNotFound } from '../../assets';
import { callerOf } from '../access/principal';
import type { ApiContext, ApiServer } from '../context';
import { HttpProblem } from '../http/http-problem';

const params = z.object({ id: z.string() });

/** `DELETE /v1/assets/{id}`: it is no longer the caller's, and where nobody else has it, its bytes go. */
export function addAssetDeletionRoute(app: ApiServer, { assetRecords, assetStore }: ApiContext): void {
  const config = { access: 'start', audit: 'asset.delete' } as const;
  app.delete('/v1/assets/:id', { config, schema: { params } }, async (request, reply) => {
    const { id } = request.params;
    const outcome = await assetRecords.remove(callerOf(request), id, () => assetStore.remove(id));
    if (outcome === 'unknown') throw new AssetNotFound(id);
    if (outcome === 'in_use') throw inUse();
    return reply.code(204).send();
  });
}

function inUse(): HttpProblem {
  return new HttpProblem(
    409,
    'asset_in_use',
    'A generation that is not finished uses this asset: cancel it, or wait until it has finished.',
  );
}
