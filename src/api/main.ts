import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createFilesystemAssetStore } from '../assets';
import { loadSettings, type Settings } from '../config/env';
import { loadTemporalConnection } from '../config/temporal-connection';
import { createDatabase } from '../db';
import { createLogger } from '../logging/logger';
import { buildApp } from './app';
import type { FalCallbackSettings } from './context';
import { keepMigrating } from './keep-migrating';
import { listen } from './http/listen';
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
  const assetStore = createFilesystemAssetStore({ directory: settings.assetsDir });
  const { routing, dailyLimits, taskQueue } = settings;
  const falCallbacks = falCallbackSettings(settings.providers);
  const shared = { routing, dailyLimits, taskQueue, falCallbacks };
  const app = await buildApp({ ...shared, db, assetStore, temporal, logger });
  try {
    const migrated = keepMigrating(settings.databaseUrl, logger, stopped.signal);
    await Promise.race([migrated, delay(migrationHeadStartMs, undefined, { ref: false })]);
    const url = await listen(app, settings.api);
    process.stdout.write(`${JSON.stringify({ ready: true, url })}\n`);
    const stop = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
    // Only its failure matters here; the process serves on until it is told to stop.
    await Promise.race([stop, migrated.then(() => stop)]);
  } finally {
    stopped.abort();
    await app.close();
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
