import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AssetStore } from '../assets';
import {
  createAssetRecords,
  createCharacterStore,
  createGenerationStore,
  createLoraStore,
  type AssetRecords,
  type CharacterStore,
  type Database,
  type GenerationStore,
  type LoraStore,
} from '../db';
import type { RoutingContext } from '../registry/types';
import type { TemporalPort } from './temporal-port';

/** What the API is made of; `main.ts` brings the real ones, tests bring what they need. */
export interface ApiDependencies {
  routing: RoutingContext;
  db: Database;
  assetStore: AssetStore;
  temporal: TemporalPort;
  logger: FastifyBaseLogger;
}

/** The dependencies as route handlers use them. */
export interface ApiContext extends ApiDependencies {
  characters: CharacterStore;
  loras: LoraStore;
  generations: GenerationStore;
  assetRecords: AssetRecords;
}

export type ApiServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

export function createContext(dependencies: ApiDependencies): ApiContext {
  const { db } = dependencies;
  return {
    ...dependencies,
    characters: createCharacterStore(db),
    loras: createLoraStore(db),
    generations: createGenerationStore(db),
    assetRecords: createAssetRecords(db),
  };
}
