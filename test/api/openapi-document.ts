import { tmpdir } from 'node:os';
import { buildApp } from '../../src/api/app';
import { createFilesystemAssetStore } from '../../src/assets';
import { loadSettings } from '../../src/config/env';
import { createDatabase } from '../../src/db';
import { silentLogger } from '../db/test-database';
import type { Document } from './documented';
import { FakeTemporal } from './fake-temporal';

/** The document of an app that serves nobody: it needs neither database nor Temporal. */
export async function openApiDocument(): Promise<Document> {
  const db = createDatabase('postgres://nobody@127.0.0.1:1/none', silentLogger);
  const { routing, dailyLimits, taskQueue, access } = loadSettings({});
  const assetStore = createFilesystemAssetStore({ directory: tmpdir() });
  const shared = { routing, dailyLimits, taskQueue, access, assetStore, db, logger: silentLogger };
  const app = await buildApp({ ...shared, temporal: new FakeTemporal() });
  await app.ready();
  const document = app.swagger() as unknown as Document;
  await app.close();
  await db.destroy();
  return document;
}
