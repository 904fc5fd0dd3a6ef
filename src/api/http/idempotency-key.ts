import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { IdempotencyKey } from '../../db';
import { canonicalJson } from '../../domain/canonical-json';
import { invalid } from './to-problem';

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as it was sent, before defaults were filled in. */
    sentBody: unknown;
  }
}

/**
 * Remembers bodies as they are sent. A request repeated after a deploy must still be the same request, although the new
 * release may know other fields and defaults.
 */
export function keepSentBodies(app: FastifyInstance): void {
  app.decorateRequest('sentBody', null);
  app.addHook('preValidation', (request, _reply, done) => {
    request.sentBody = request.body;
    done();
  });
}

const header = 'idempotency-key';
const printable = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;

/** The header `Idempotency-Key` together with what it stands for: path and body. @throws HttpProblem 400 */
export function idempotencyKeyOf({ headers, url, sentBody }: FastifyRequest): IdempotencyKey | undefined {
  const key = headers[header];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || !printable.test(key)) {
    const message = 'send 1-255 printable ASCII characters, such as a UUID, made anew for every job';
    throw invalid([{ field: header, code: 'invalid_format', message }]);
  }
  const [path = url] = url.split('?', 1);
  const content = canonicalJson([path, sentBody ?? null]);
  return { key, requestHash: createHash('sha256').update(content).digest('hex') };
}
