import { randomUUID } from 'node:crypto';
import fastify from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { auditRequests } from './access/audit';
import { addDefences } from './access/defences';
import { guardRoutes } from './access/guard';
import { createContext, type ApiContext, type ApiDependencies, type ApiServer } from './context';
import { collectRoutes } from './openapi/document';
import { addDocumentRoute, serveDocumentPage } from './openapi/serve-document';
import { addErrorHandling, handleClientError, handleFrameworkError } from './http/error-handler';
import { keepSentBodies } from './http/idempotency-key';
import { addJsonParser } from './http/json-body';
import { jsonBodyLimitBytes } from './http/json-body-limit';
import { trackMethods } from './http/method-not-allowed';
import { addApiKeyRoutes } from './routes/api-keys';
import { addAssetDeletionRoute } from './routes/asset-deletion';
import { addAssetLinkRoute } from './routes/asset-links';
import { addAssetRoutes } from './routes/assets';
import { addAuditRoute } from './routes/audit';
import { addCharacterRoutes } from './routes/characters';
import { addGenerationRoutes } from './routes/generations';
import { addHealthRoutes } from './routes/health';
import { addLoraRoutes } from './routes/loras';
import { addModelRoutes } from './routes/models';
import { addProviderCallbackRoutes } from './routes/provider-callbacks';
import { addProviderRoute } from './routes/providers';
import { addRoutePlanRoute } from './routes/route-plans';
import { addSlotRoutes } from './routes/slots';
import { addSpendRoute } from './routes/spend';
import { addStartRoutes } from './routes/starts';

/** Longest time a request may take to arrive; 50 MB over a slow line need minutes. */
const arrivalMs = 300_000;

/** Characters of one part of a path; the key of a call-back holds a job's. */
const longestParameter = 400;

/** The HTTP API. Opens nothing by itself: `listen` serves it, `inject` tries it, `close` ends it. */
export async function buildApp(dependencies: ApiDependencies): Promise<ApiServer> {
  const app = fastify({
    loggerInstance: dependencies.logger,
    bodyLimit: jsonBodyLimitBytes,
    requestTimeout: arrivalMs,
    routerOptions: { maxParamLength: longestParameter },
    genReqId: () => randomUUID(),
    frameworkErrors: handleFrameworkError,
    clientErrorHandler: handleClientError,
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(dependencies.checksAnswers === true ? serializerCompiler : plainJson);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  // Node closes idle connections once. One that ends its answer a moment later would hold the process for a minute.
  app.addHook('preClose', () => {
    const timer = setInterval(() => app.server.closeIdleConnections(), 100).unref();
    app.server.once('close', () => clearInterval(timer));
    return Promise.resolve();
  });
  const context = createContext(dependencies);
  await addDefences(app, context.access);
  addErrorHandling(app);
  addJsonParser(app);
  keepSentBodies(app);
  await collectRoutes(app);
  await serveDocumentPage(app);
  const refuseOtherMethods = trackMethods(app);
  auditRequests(app, context);
  guardRoutes(app, context);
  await addRoutes(app, context);
  refuseOtherMethods();
  return app;
}

/**
 * The compiler holds answers to their schemas, and the tests every one they get. Here a row of an older release must not
 * become an error, and nobody waits for a check that finds nothing.
 */
const plainJson = () => (answer: unknown) => JSON.stringify(answer);

async function addRoutes(app: ApiServer, context: ApiContext): Promise<void> {
  addDocumentRoute(app);
  addHealthRoutes(app, context);
  addCharacterRoutes(app, context);
  addLoraRoutes(app, context);
  addModelRoutes(app, context);
  addRoutePlanRoute(app, context);
  addStartRoutes(app, context);
  addGenerationRoutes(app, context);
  addSlotRoutes(app, context);
  addSpendRoute(app, context);
  addProviderRoute(app, context);
  addApiKeyRoutes(app, context);
  addAuditRoute(app, context);
  addAssetLinkRoute(app, context);
  addAssetDeletionRoute(app, context);
  await addProviderCallbackRoutes(app, context);
  await addAssetRoutes(app, context);
}
