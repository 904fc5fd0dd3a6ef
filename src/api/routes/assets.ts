import multipart from '@fastify/multipart';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { AssetNotFound } from '../../assets';
import type { ApiContext, ApiServer } from '../context';
import { assetUrl } from '../links';
import { discardRest, uploadStream } from '../upload-stream';

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
  app.post('/v1/assets', (request, reply) => upload(context, request, reply));
  app.route({
    method: ['GET', 'HEAD'],
    url: '/v1/assets/:id',
    schema: { params },
    handler: (request, reply) => serve(context, request.params.id, { request, reply }),
  });
  app.get('/v1/assets/:id/recipe', { schema: { params } }, async ({ params: { id } }) => {
    if ((await context.assetRecords.find(id)) === undefined) throw new AssetNotFound(id);
    return { assetId: id, recipes: await context.assetRecords.recipes(id) };
  });
}

async function upload(
  { assetStore, assetRecords }: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  try {
    const stream = await uploadStream(request, uploadBytes);
    // Masks may be of one colour.
    const asset = await assetStore.put(stream, { maxBytes: uploadBytes, allowBlank: true });
    await assetRecords.record(asset, 'upload');
    const { assetId: id, ...facts } = asset;
    return await reply
      .code(201)
      .header('location', assetUrl(id))
      .send({ id, url: assetUrl(id), ...facts });
  } catch (error) {
    discardRest(request);
    throw error;
  }
}

async function serve(
  { assetStore }: ApiContext,
  id: string,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
): Promise<FastifyReply> {
  const { stream, mediaType, bytes } = await assetStore.open(id);
  const etag = `"${id}"`;
  reply
    .type(mediaType)
    // An id is the hash of the content: it can never mean anything else.
    .headers({ etag, 'cache-control': 'private, max-age=31536000, immutable' })
    .headers({
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
    });
  const isKnown = matches(request.headers['if-none-match'], etag);
  if (!isKnown && request.method === 'GET') return reply.header('content-length', bytes).send(stream);
  stream.destroy();
  if (isKnown) return reply.code(304).send();
  return reply.header('content-length', bytes).send();
}

function matches(header: string | undefined, etag: string): boolean {
  const tags = header?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? [];
  return tags.includes(etag) || tags.includes('*');
}
