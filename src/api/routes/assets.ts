import multipart from '@fastify/multipart';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { AssetNotFound } from '../../assets';
import type { Recipe } from '../../domain/generation';
import { callerOf } from '../access/principal';
import { assetAnswer, recipesAnswer } from '../answers/things';
import type { ApiContext, ApiServer } from '../context';
import { assetUrl } from '../http/links';
import { serveAsset } from '../http/serve-asset';
import { uploadStream } from '../http/upload-stream';

/** Largest upload. */
const uploadBytes = 50e6;

const params = z.object({ id: z.string() });

/** `POST /v1/assets` (upload), `GET /v1/assets/{id}` (the bytes), `GET /v1/assets/{id}/recipe` (how they were made). */
export async function addAssetRoutes(app: ApiServer, context: ApiContext): Promise<void> {
  // A scope of its own: no other route takes forms or files, and these take nothing else.
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    await scope.register(multipart, {
      // One byte above our own limit, so that ours is the one that speaks.
      limits: { files: 1, fields: 10, parts: 11, fileSize: uploadBytes + 1 },
      throwFileSizeLimit: false,
    });
    // Left as a stream: the asset store reads it, and decides by the bytes what it is.
    for (const type of [/^image\//, /^video\//, 'application/octet-stream']) {
      scope.addContentTypeParser(type, (_request, payload, done) => {
        done(null, payload);
      });
    }
    addRoutes(scope.withTypeProvider<ZodTypeProvider>(), context);
  });
}

function addRoutes(app: ApiServer, context: ApiContext): void {
  const { assetRecords } = context;
  const config = { access: 'read' } as const;
  app.post(
    '/v1/assets',
    { config: { access: 'start', effect: 'same' }, schema: { response: { 201: assetAnswer } } },
    (request, reply) => upload(context, request, reply),
  );
  app.route({
    method: ['GET', 'HEAD'],
    url: '/v1/assets/:id',
    config,
    schema: { params },
    handler: async (request, reply) => {
      const { id } = request.params;
      // Before the store is asked: what is somebody else's is not there.
      if (!(await assetRecords.belongsTo(callerOf(request), id))) throw new AssetNotFound(id);
      return await serveAsset(context, id, { request, reply });
    },
  });
  app.get(
    '/v1/assets/:id/recipe',
    { config, schema: { params, response: { 200: recipesAnswer } } },
    async (request) => {
      const { id } = request.params;
      const caller = callerOf(request);
      if (!(await assetRecords.belongsTo(caller, id))) throw new AssetNotFound(id);
      if ((await assetRecords.find(id)) === undefined) throw new AssetNotFound(id);
      const recipes = await assetRecords.recipes(caller, id);
      return { assetId: id, recipes: recipes.map(recipeView) };
    },
  );
}

/** Modal has no request id by contract; every recipe says so rather than leaving it out. */
function recipeView(recipe: Recipe) {
  return { ...recipe, providerRequestId: recipe.providerRequestId ?? null };
}

async function upload(
  { assetStore, assetRecords }: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<z.input<typeof assetAnswer>> {
<<<<<<< HEAD
  const stream = await uploadStream(request, uploadBytes);
  // Masks may be of one colour.
  const asset = await assetStore.put(stream, { maxBytes: uploadBytes, allowBlank: true });
  await assetRecords.recordUpload(asset, callerOf(request));
  const { assetId: id, ...facts } = asset;
  reply.code(201).header('location', assetUrl(id));
  return { id, url: assetUrl(id), ...facts };
=======
  try {
    const stream = await uploadStream(request, uploadBytes);
    // Masks may be of one colour.
    const asset = await assetStore.put(stream, {
      maxBytes: uploadBytes,
      allowBlank: true,
      dropPrivate: true,
    });
    await assetRecords.recordUpload(asset, callerOf(request));
    const { assetId: id, ...facts } = asset;
    reply.code(201).header('location', assetUrl(id));
    return { id, url: assetUrl(id), ...facts };
  } catch (error) {
    discardRest(request);
    throw error;
  }
>>>>>>> c400685 (feat(api): requests may name pictures by a public URL or a data: URL, fetched from public addresses only; what people send loses places and devices)
}
