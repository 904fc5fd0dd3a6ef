import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import type { AccessSettings } from '../../config/access-settings';
import type { ApiServer } from '../context';

/** What every answer tells a browser, and who may call from one. Before all routes and all other hooks. */
export async function addDefences(app: ApiServer, { corsOrigins }: AccessSettings): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      // An answer is data. Opened as a page it loads nothing, and no other page may frame it.
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    // Pictures are for our own pages and for those of the list below, which ask by CORS.
    crossOriginResourcePolicy: { policy: 'same-origin' },
  });
  // Limits are asked for by hand: before it is known whose a request is there is nothing to count.
  await app.register(rateLimit, { global: false });
  if (corsOrigins.length === 0) return;
  await app.register(cors, {
    origin: [...corsOrigins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    allowedHeaders: [
      'authorization',
      'content-type',
      'idempotency-key',
      'x-caller-id',
      'range',
      'if-none-match',
    ],
    exposedHeaders: ['x-request-id', 'location', 'retry-after', 'etag'],
    maxAge: 600,
  });
}
