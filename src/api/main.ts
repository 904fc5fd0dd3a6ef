import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { openAssetStore } from '../assets';
import { type Settings, loadSettings } from '../config/env';
import { loadTemporalConnection } from '../config/temporal-connection';
import {
  createApiKeyStore,
  createDatabase,
  createGenerationStore,
  isDatabaseUnavailable,
  migrate,
} from '../db';
import { createLogger } from '../logging/logger';
import { assertSomebodyMayCome } from './access/may-start';
import { buildApp } from './app';
import type { ApiServer, FalCallbackSettings } from './context';
import { keepReconciling } from './generations/reconcile';
import { createTemporalGateway } from './temporal/temporal-gateway';

/** A database that answers is up to date before the first request; one that is down must not hold up the start. */
const migrationHeadStartMs = 5000;

async function serve(settings: Settings, logger: Logger): Promise<void> {
  const stopped = new AbortController();
  const db = createDatabase(settings.databaseUrl, logger);
  const { connectionOptions, namespace } = loadTemporalConnection(process.env);
  const temporal = createTemporalGateway({
    taskQueue: settings.taskQueue,
    connection: connectionOptions,
    namespace,
    uiUrl: settings.temporalUiUrl,
  });
  const assetStore = await openAssetStore(settings.assetStore);
  const foreignUrls = { allowedHosts: settings.picturesFrom };
  const { routing, dailyLimits, taskQueue, access, assetUrlSecret } = settings;
  const falCallbacks = falCallbackSettings(settings.providers);
  const shared = { routing, dailyLimits, taskQueue, access, falCallbacks, foreignUrls, assetUrlSecret };
  let reconciling: Promise<void> | undefined;
  const app = await buildApp({ ...shared, db, assetStore, temporal, logger });
  try {
    const migrated = keepMigrating(settings.databaseUrl, logger, stopped.signal).then(async () => {
      if (!stopped.signal.aborted) await assertSomebodyMayCome(access, createApiKeyStore(db));
    });
    await Promise.race([migrated, delay(migrationHeadStartMs, undefined, { ref: false })]);
    const url = await listen(app, settings.api);
    if (access.mode === 'open') {
      logger.warn(
        { host: settings.api.host },
        'API_AUTH is open: every program on this machine may use the API',
      );
    }
    process.stdout.write(`${JSON.stringify({ ready: true, url, auth: access.mode })}\n`);
    const generations = createGenerationStore(db);
    reconciling = keepReconciling({ generations, temporal }, { logger, signal: stopped.signal });
    const stop = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
    // Only its failure matters here; the process serves on until it is told to stop.
    await Promise.race([stop, migrated.then(() => stop)]);
  } finally {
    stopped.abort();
    await Promise.all([app.close(), reconciling]);
    await Promise.all([temporal.close(), db.destroy()]);
  }
}

/** Nobody is asked for call-backs where the service has no public address. */
function falCallbackSettings({ fal }: Settings['providers']): FalCallbackSettings | undefined {
  if (fal?.publicBaseUrl === undefined) return undefined;
  return { secret: fal.key, jwksUrl: fal.jwksUrl };
}

async function main(): Promise<void> {
  const settings = loadSettings(process.env);
  await serve(settings, createLogger('api', settings.logLevel));
}

main().catch((error: unknown) => {
  const msg = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${JSON.stringify({ level: 'fatal', msg })}\n`);
  process.exitCode = 1;
});

/** Starts serving. @returns the base URL @throws with a message for people when the port is taken. */
async function listen(app: ApiServer, { host, port }: { host: string; port: number }): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new Error(`Port ${port} on ${host} is in use. Set API_PORT to a free one.`, { cause: error });
    }
    throw error;
  }
}

const retryMs = 1000;

/**
 * Migrates the database as soon as it can be reached, however long that takes. Resolves when it is up to date, or
 * when `signal` aborts.
 *
 * @throws when a migration itself fails: no amount of waiting mends that.
 */
async function keepMigrating(url: string, logger: Logger, signal: AbortSignal): Promise<void> {
  let isAnnounced = false;
  while (!signal.aborted) {
    try {
      const names = await migrate(url, logger);
      if (names.length > 0) logger.info({ migrations: names }, 'database migrated');
      return;
    } catch (error) {
      if (!isDatabaseUnavailable(error)) throw error;
      if (!isAnnounced) logger.warn({ err: error }, 'the database cannot be reached; trying until it can');
      isAnnounced = true;
    }
    await delay(retryMs, undefined, { signal }).catch(() => undefined);
  }
}
