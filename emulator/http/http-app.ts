import Fastify, { type FastifyInstance } from 'fastify';

/** Largest body taken: a clip of 64 MB as base64 with room to spare. */
const bodyLimitBytes = 96 * 1024 * 1024;

/** A bare application whose bodies arrive as bytes: each provider reads (and misreads) them in its own way. */
export function createHttpApp(): FastifyInstance {
  const app = Fastify({ bodyLimit: bodyLimitBytes, forceCloseConnections: true });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  return app;
}

/** Body of a request as text; empty when there was none. */
export function bodyText(body: unknown): string {
  return Buffer.isBuffer(body) ? body.toString('utf8') : '';
}
