import type { FastifyInstance } from 'fastify';
import { HttpProblem } from './http-problem';

/**
 * Answers 405 with `Allow` where a path exists but not for that method; by itself Fastify says 404. Call it before the
 * routes are added and the returned function after them.
 */
export function trackMethods(app: FastifyInstance): () => void {
  const allowed = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = allowed.get(url) ?? new Set();
    for (const one of [method].flat()) methods.add(one);
    allowed.set(url, methods);
  });
  return () => {
    for (const [url, methods] of [...allowed]) refuseOtherMethods(app, url, methods);
  };
}

function refuseOtherMethods(app: FastifyInstance, url: string, methods: ReadonlySet<string>): void {
  const allow = [...methods].toSorted().join(', ');
  const problem = (): HttpProblem =>
    new HttpProblem(405, 'method_not_allowed', `Use one of: ${allow}.`, { headers: { allow } });
  const method = app.supportedMethods.filter((one) => !methods.has(one));
  // In `onRequest`, so that a body nobody wants is not read first.
  app.route({
    method,
    url,
    // Which methods a path has is no secret.
    config: { access: 'refused' },
    onRequest: (_request, _reply, done) => {
      done(problem());
    },
    handler: () => {
      throw problem();
    },
  });
}
