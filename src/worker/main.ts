import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { createSpendLedger } from '../activities/spend';
import { openAssetStore } from '../assets/open-asset-store';
import { toMediaStore } from '../assets/media-store';
import { loadSettings } from '../config/env';
import { loadTemporalConnection } from '../config/temporal-connection';
import {
  createAssetRecords,
  createDatabase,
  createGenerationStore,
  createProviderAppStore,
  createProviderCallbackStore,
  createProviderHealthStore,
  createSpendStore,
  migrate,
} from '../db';
import { createLogger } from '../logging/logger';
import { providerNames } from '../domain/taxonomy';
import { installTemporalLogger } from '../logging/temporal-logger';
import { AppRecords } from './app-records';
import { createProviderClients } from './provider-clients';
import { createWorkers } from './create-workers';
import { createProviderHealth } from './provider-health/provider-health';
import { createProviderWatches } from './provider-watches';
import { leaveInTime } from './leave-in-time';
import { takeUpWork } from './take-up-work';
import { untilWanted } from './until-wanted';
import { workerVersion } from './versions/worker-deployment';
import { workflowBundle } from './workflow-bundle';

async function main(): Promise<void> {
  const settings = loadSettings(process.env);
  const logger = createLogger('worker', settings.logLevel);
  installTemporalLogger(logger);
  leaveInTime({ graceSeconds: settings.shutdownGraceSeconds, logger });
  for (const name of providerNames) {
    const reason = settings.providers.disabledReasons[name];
    if (reason !== undefined) logger.warn({ provider: name, reason }, 'provider disabled');
  }
  const database = createDatabase(settings.databaseUrl, logger);
  const store = await openAssetStore(settings.assetStore);
  const { connectionOptions, namespace = 'default' } = loadTemporalConnection(process.env);
  const connection = await NativeConnection.connect(connectionOptions);
  const watches = createProviderWatches(new Client({ connection, namespace }), settings.taskQueue);
  const healthRecords = createProviderHealthStore(database, settings.taskQueue);
  const list = () => healthRecords.list();
  const health = createProviderHealth({ list, pauses: healthRecords, watches, logger });
  const appStore = createProviderAppStore(database, settings.taskQueue);
  const appRecords = new AppRecords({ record: (apps) => appStore.record(apps), logger });
  const bundle = await workflowBundle();
  const { mode, buildId } = settings.versioning;
  const version = workerVersion(settings.taskQueue, { buildId, workflowCode: bundle.code });
  const readyStores = async (): Promise<void> => {
    await migrate(settings.databaseUrl, logger);
    appRecords.start();
    await store.ready();
  };
  const { clients, logLimits } = createProviderClients(settings.providers, {
    falCallbacks: createProviderCallbackStore(database, 'fal'),
    onApp: (app) => {
      appRecords.note(app);
    },
    logger,
  });
  // The workers load their workflows in a thread meanwhile; they take nothing before they run.
  const [workers] = await Promise.all([
    createWorkers({
      connection,
      namespace,
      taskQueue: settings.taskQueue,
      workflowBundle: bundle,
      ...(mode !== 'off' && { version }),
      dependencies: {
        generations: createGenerationStore(database),
        assets: createAssetRecords(database),
        spend: createSpendLedger(createSpendStore(database), settings.dailyLimits),
        healthRecords,
        watches,
        clients,
        media: () => toMediaStore(store),
        health,
      },
      concurrency: settings.concurrency,
      maxCallsPerSecond: settings.maxCallsPerSecond,
      shutdownGraceSeconds: settings.shutdownGraceSeconds,
    }),
    readyStores(),
  ]);
  if (!(await untilWanted(process.argv, process.stdin))) process.exit(0);
  await health.start();
  try {
    const running = workers.run();
    logLimits();
    const working = takeUpWork({ connection, namespace }, version, { mode, logger });
    await Promise.race([working, running]).catch(async (error: unknown) => {
      workers.shutdown();
      await running;
      throw error;
    });
    process.stdout.write(`${JSON.stringify({ ready: true, providers: settings.providers.mode })}\n`);
    await running;
  } finally {
    health.stop();
    await connection.close();
    await database.destroy();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(
    `${JSON.stringify({ level: 'fatal', msg: error instanceof Error ? error.message : String(error) })}\n`,
  );
  process.exit(1);
});
