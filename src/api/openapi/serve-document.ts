import swaggerUi from '@fastify/swagger-ui';
import type { ApiServer } from '../context';

/** The page brings its own scripts and styles; it loads nothing from elsewhere and is framed by nobody. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  // The page writes styles into its elements.
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * `GET /docs`: the document as a page. Call it before the routes are guarded: its own routes are for everybody, and say
 * nothing of anybody.
 */
export async function serveDocumentPage(app: ApiServer): Promise<void> {
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: pagePolicy,
    // Nobody's key is kept in the browser.
    uiConfig: { url: '/openapi.json', persistAuthorization: false, validatorUrl: null },
  });
}

/** `GET /openapi.json`: the document itself. */
export function addDocumentRoute(app: ApiServer): void {
  let text: string | undefined;
  app.get('/openapi.json', { config: { access: 'public' }, schema: { hide: true } }, (_request, reply) => {
    text ??= JSON.stringify(app.swagger());
    return reply.type('application/json; charset=utf-8').send(text);
  });
}
