import multipart from '@fastify/multipart';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { AssetNotFound, type ThumbnailSize } from '../../assets';
import type { Recipe } from '../../domain/generation';
import { callerOf } from '../access/principal';
import { assetAnswer, recipesAnswer } from '../answers/things';
import type { ApiContext, ApiServer } from '../context';
import { HttpProblem } from '../http/http-problem';
import { assetUrl } from '../http/links';
import { serveAsset, serveThumbnail } from '../http/serve-asset';
import { uploadStream } from '../http/upload-stream';

/** Largest upload. */
const uploadBytes = 50e6;

const params = z.object({ id: z.string() });
/** Both are judged before the route is reached. */
const linkQuery = z.object({ expires: z.string().optional(), signature: z.string().optional() });
const thumbnailSize = z
  .enum(['160', '320', '640'])
  .default('320')
  .transform((size): ThumbnailSize => sizes[size]);
const sizes = { '160': 160, '320': 320, '640': 640 } as const;

/** `POST /v1/assets` (upload), `GET /v1/assets/{id}` (the bytes), its `/thumbnail`, and its `/recipe` (how it was made). */
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
  const viewConfig = { ...config, opensByLink: true } as const;
  app.post(
    '/v1/assets',
    { config: { access: 'start', effect: 'same' }, schema: { response: { 201: assetAnswer } } },
    (request, reply) => upload(context, request, reply),
  );
  app.route({
    method: ['GET', 'HEAD'],
    url: '/v1/assets/:id',
    config: viewConfig,
    schema: { params, querystring: linkQuery },
    handler: async (request, reply) => {
      const { id } = request.params;
      const freshSeconds = await admit(context, request, id);
      return await serveAsset(context, id, { request, reply, freshSeconds });
    },
  });
  app.route({
    method: ['GET', 'HEAD'],
    url: '/v1/assets/:id/thumbnail',
    config: viewConfig,
    schema: { params, querystring: linkQuery.extend({ size: thumbnailSize }) },
    handler: async (request, reply) => {
      const { id } = request.params;
      const freshSeconds = await admit(context, request, id);
      const asset = { id, size: request.query.size };
      return await serveThumbnail(context, asset, { request, reply, freshSeconds });
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

/**
 * Before the store is asked: what is somebody else's is not there, unless a link shows it.
 *
 * @returns how long a browser may keep it, where that is not for ever
 * @throws AssetNotFound
 */
async function admit(
  { assetRecords }: ApiContext,
  request: FastifyRequest,
  id: string,
): Promise<number | undefined> {
  const { linkEnds } = request;
  if (linkEnds !== null) return Math.max(0, Math.floor(linkEnds - Date.now() / 1000));
  if (await assetRecords.belongsTo(callerOf(request), id)) return undefined;
  throw new AssetNotFound(id);
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
  const stream = await uploadStream(request, uploadBytes);
  // Masks may be of one colour.
  const asset = await assetStore.put(stream, { maxBytes: uploadBytes, allowBlank: true, dropPrivate: true });
  await assetRecords.recordUpload(asset, callerOf(request));
  const { assetId: id, ...facts } = asset;
  if ((await assetStore.find(id)) === undefined) throw justDeleted();
  reply.code(201).header('location', assetUrl(id));
  return { id, url: assetUrl(id), ...facts };
}

/** The last one who had the same bytes gave them up between our two looks. */
function justDeleted(): HttpProblem {
  return new HttpProblem(503, 'assets_unavailable', 'The same file was being deleted: send it again.', {
    retryAfterSeconds: 1,
  });
}
