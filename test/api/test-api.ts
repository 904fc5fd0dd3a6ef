import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildApp } from '../../src/api/app';
import type { ApiDependencies, ApiServer } from '../../src/api/context';
import { createFilesystemAssetStore, type AssetStore } from '../../src/assets';
import { loadSettings } from '../../src/config/env';
import { createDatabase } from '../../src/db';
import { picture } from '../assets/pictures';
import { openTestDatabase, silentLogger, type TestDatabase } from '../db/test-database';
import { documented, type Document } from './documented';
import { FakeTemporal } from './fake-temporal';

export interface Call {
  /** Default GET. */
  method?: string;
  url: string;
  headers?: Record<string, string>;
  /** Bytes and text are sent as they are, anything else as JSON. */
  payload?: unknown;
}

export interface Answer {
  status: number;
  headers: Headers;
  /** Parsed JSON; empty when there was none. */
  body: Record<string, unknown>;
}

/** No test asks the world for a name. */
const noNames: NonNullable<NonNullable<ApiDependencies['foreignUrls']>['resolve']> = (
  _host,
  _options,
  done,
) => {
  done(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), []);
};

export interface TestApi {
  app: ApiServer;
  /** Where it listens. */
  baseUrl: string;
  database: TestDatabase;
  assetStore: AssetStore;
  temporal: FakeTemporal;
  send(call: Call): Promise<Answer>;
  /** Uploads a picture and returns its URL. */
  upload(seed?: number): Promise<string>;
  /** Another process of the same API: its own connections, the same database. */
  openReplica(): Promise<Pick<TestApi, 'temporal' | 'send' | 'close'>>;
  close(): Promise<void>;
}

/** The whole API over a real database and a real asset store; only Temporal is a fake. */
export async function openTestApi(
  environment: NodeJS.ProcessEnv = {},
  options: Partial<
    Pick<ApiDependencies, 'falCallbacks' | 'foreignUrls' | 'assetStore' | 'assetUrlSecret'>
  > = {},
): Promise<TestApi> {
  const database = await openTestDatabase();
  const directory = await mkdtemp(join(tmpdir(), 'ryla-generation-assets-'));
  const { assetStore = createFilesystemAssetStore({ directory }) } = options;
  const temporal = new FakeTemporal();
  const { routing, dailyLimits, taskQueue, access } = loadSettings(environment);
  const shared = {
    routing,
    dailyLimits,
    taskQueue,
    access,
    assetStore,
    logger: silentLogger,
    checksAnswers: true,
    ...options,
    foreignUrls: { resolve: noNames, ...options.foreignUrls },
  };
  const app = await buildApp({ ...shared, db: database.db, temporal });
  const baseUrl = await app.listen({ host: '127.0.0.1', port: 0 });
  const document = app.swagger() as unknown as Document;
  return {
    app,
    baseUrl,
    database,
    assetStore,
    temporal,
    send: async (call) => documented(document, call, await send(baseUrl, call)),
    async upload(seed = 1) {
      const payload = await picture('png', { seed });
      const headers = { 'content-type': 'image/png' };
      const { body } = await send(baseUrl, { method: 'POST', url: '/v1/assets', headers, payload });
      return String(body['url']);
    },
    async openReplica() {
      const db = createDatabase(database.url, silentLogger);
      const ownTemporal = new FakeTemporal();
      const replica = await buildApp({ ...shared, db, temporal: ownTemporal });
      const url = await replica.listen({ host: '127.0.0.1', port: 0 });
      return {
        temporal: ownTemporal,
        send: (call) => send(url, call),
        async close() {
          await replica.close();
          await db.destroy();
        },
      };
    },
    async close() {
      await app.close();
      await database.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** One request over a socket. */
export async function send(
  baseUrl: string,
  { method = 'GET', url, headers = {}, payload }: Call,
): Promise<Answer> {
  const isRaw = payload instanceof Uint8Array || payload instanceof FormData || typeof payload === 'string';
  const isJson = payload !== undefined && !isRaw;
  const response = await fetch(new URL(url, baseUrl), {
    method,
    headers: { ...(isJson && { 'content-type': 'application/json' }), ...headers },
    ...(payload !== undefined && { body: isRaw ? payload : JSON.stringify(payload) }),
  });
  const text = await response.text();
  const isJsonAnswer = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
  return {
    status: response.status,
    headers: response.headers,
    body: isJsonAnswer ? (JSON.parse(text) as Answer['body']) : {},
  };
}
