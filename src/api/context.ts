import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  createForeignPictures,
  createThumbnails,
  type AssetStore,
  type ForeignPictures,
  type ForeignPicturesOptions,
  type Thumbnails,
} from '../assets';
import type { AccessSettings } from '../config/access-settings';
import {
  createApiKeyStore,
  createAssetRecords,
  createAuditLog,
  createCallLatencyStore,
  createCharacterStore,
  createGenerationStore,
  createLoraStore,
  createProviderAppStore,
  createProviderCallbackStore,
  createProviderHealthStore,
  createSpendStore,
  type ApiKeyStore,
  type AssetRecords,
  type AuditLog,
  type CallLatencyStore,
  type CharacterStore,
  type Database,
  type GenerationStore,
  type LoraStore,
  type ProviderAppStore,
  type ProviderCallbackStore,
  type ProviderHealthStore,
  type SpendStore,
} from '../db';
import type { DailyLimits } from '../domain/daily-limits';
import type { RoutingContext } from '../registry/types';
import type { TemporalPort } from './temporal/temporal-port';

/** What the API is made of; `main.ts` brings the real ones, tests bring what they need. */
export interface ApiDependencies {
  routing: RoutingContext;
  dailyLimits: DailyLimits;
  access: AccessSettings;
  /** Of the workflows: providers' health is kept apart by it. */
  taskQueue: string;
  db: Database;
  assetStore: AssetStore;
  /** Where pictures of elsewhere may come from. Left out: public addresses only. */
  foreignUrls?: Omit<ForeignPicturesOptions, 'assetStore'> | undefined;
  /** Signs addresses that show an asset without a key. Left out: none are made. */
  assetUrlSecret?: string | undefined;
  temporal: TemporalPort;
  logger: FastifyBaseLogger;
  /** Every answer is held to its schema, at a cost: for tests. What is stored may be of an older release. */
  checksAnswers?: boolean;
  /** Left out: no call-backs are taken. */
  falCallbacks?: FalCallbackSettings | undefined;
}

export interface FalCallbackSettings {
  /** Made the last part of each address; see `callbackToken`. */
  secret: string;
  /** Where the public keys Fal signs with stand. */
  jwksUrl: string;
}

/** The dependencies as route handlers use them. */
export interface ApiContext extends ApiDependencies {
  apiKeys: ApiKeyStore;
  auditLog: AuditLog;
  foreignPictures: ForeignPictures;
  thumbnails: Thumbnails;
  characters: CharacterStore;
  loras: LoraStore;
  generations: GenerationStore;
  assetRecords: AssetRecords;
  callLatencies: CallLatencyStore;
  spend: SpendStore;
  providerHealth: ProviderHealthStore;
  providerApps: ProviderAppStore;
  providerCallbacks: ProviderCallbackStore;
}

export type ApiServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

export function createContext(dependencies: ApiDependencies): ApiContext {
  const { db, assetStore, foreignUrls } = dependencies;
  return {
    ...dependencies,
    apiKeys: createApiKeyStore(db),
    auditLog: createAuditLog(db),
    foreignPictures: createForeignPictures({ assetStore, ...foreignUrls }),
    thumbnails: createThumbnails(assetStore),
    characters: createCharacterStore(db),
    loras: createLoraStore(db),
    generations: createGenerationStore(db),
    assetRecords: createAssetRecords(db),
    callLatencies: createCallLatencyStore(db),
    spend: createSpendStore(db),
    providerHealth: createProviderHealthStore(db, dependencies.taskQueue),
    providerApps: createProviderAppStore(db, dependencies.taskQueue),
    providerCallbacks: createProviderCallbackStore(db, 'fal'),
  };
}
