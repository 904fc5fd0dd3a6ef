import { randomUUID } from 'node:crypto';
import { Client, Connection, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import type { ProviderHealthPort } from '../../src/activities/provider-health';
import type { HealthRecords } from '../../src/activities/watches';
import type { SpendLedger } from '../../src/activities/spend';
import type { GenerationProjection, SaveGenerationInput } from '../../src/activities/save-generation';
import { planOrder, type PlanSources } from '../../src/api/generations/plan-order';
import { startOptions, workflowTypes } from '../../src/api/generations/start-options';
import type { GenerationInput, GenerationState, Recipe } from '../../src/domain/generation';
import type { FlowRequest } from '../../src/domain/requests';
import { generationTaskQueue } from '../../src/domain/task-queues';
import type { ProviderClient } from '../../src/providers/types';
import { createWorkers, type Workers, type WorkersOptions } from '../../src/worker/create-workers';
import type { DeploymentServer } from '../../src/worker/versions/current-version';
import { createProviderWatches } from '../../src/worker/provider-watches';
import { testRouting } from './flow-requests';
import { installQuietRuntime } from './quiet-runtime';
import { startTemporalServer } from './temporal';
import { workflowBundle } from './workflow-bundle';

export interface Surroundings {
  reserve: SpendLedger['reserve'];
  findMade: PlanSources['assetRecords']['findMade'];
  downSince: ProviderHealthPort['downSince'];
  busyMs: ProviderHealthPort['busyMs'];
  saveState: GenerationProjection['saveState'];
  /** What a worker makes of a call that failed. No breaker: a test says itself when a provider fails. */
  failed: ProviderHealthPort['failed'];
  /** How long an open job is waited for that its provider cannot be asked for. Taken in by the plan. */
  graceSeconds: number;
  /** Where the watches write what they find. */
  recordHealth: HealthRecords['record'];
}

/** Money is no object, no picture is stored, and no gate is shut. */
const usualSurroundings: Readonly<Surroundings> = {
  reserve: () => Promise.resolve({ granted: true }),
  findMade: () => Promise.resolve(undefined),
  downSince: () => undefined,
  busyMs: () => 0,
  graceSeconds: testRouting.parking.graceSeconds,
  saveState: () => Promise.resolve({ forgottenUsd: 0 }),
  failed: () => undefined,
  recordHealth: () => Promise.resolve(),
};

/** With `hedge`: when a call counts as slow. */
const slowAfterSeconds = 1;

/** What a test may want otherwise of its workers: 50 calls at a time, no rate, no version. */
export type OwnWorkersOptions = Partial<
  Pick<WorkersOptions, 'concurrency' | 'maxCallsPerSecond' | 'version'>
>;

/** The real workflows and activities on a real Temporal server, with fakes for providers and storage. */
export interface GenerationHarness {
  client: Client;
  /** Newest saved state by generation id. */
  saved: Map<string, GenerationState>;
  recipes: Recipe[];
  saves: SaveGenerationInput['state'][];
  /** What the workers find around them. A test that changes it puts it back by `resetSurroundings`. */
  surroundings: Surroundings;
  resetSurroundings(): void;
  deployments: DeploymentServer;
  /** Runs workers with these providers for as long as `work` takes. */
  withProviders<T>(
    providers: ProviderClient[],
    work: () => Promise<T>,
    options?: OwnWorkersOptions,
  ): Promise<T>;
  /** As the API starts it. */
  start(
    flowRequest: FlowRequest,
    own?: Partial<Pick<GenerationInput, 'caller' | 'generationId' | 'reservedUsd' | 'lineage'>>,
  ): Promise<WorkflowHandleWithFirstExecutionRunId<(input: GenerationInput) => Promise<GenerationState>>>;
  close(): Promise<void>;
}

/** On a server of its own. */
export async function startHarness(
  options: { dynamicConfig?: readonly string[] } = {},
): Promise<GenerationHarness> {
  installQuietRuntime();
  const server = await startTemporalServer(options);
  const connection = await Connection.connect({ address: server.address });
  const client = new Client({ connection, namespace: server.namespace });
  const harness = await openHarness({ ...server, client });
  return {
    ...harness,
    async close() {
      await harness.close();
      await connection.close();
      await server.stop();
    },
  };
}

/** On a server that is there already. */
export async function openHarness(server: {
  address: string;
  namespace: string;
  client: Client;
}): Promise<GenerationHarness> {
  const { client } = server;
  const native = await NativeConnection.connect({ address: server.address });
  const memory = memoryStores();
  return {
    client,
    ...memory,
    resetSurroundings: () => void Object.assign(memory.surroundings, usualSurroundings),
    deployments: { connection: native, namespace: server.namespace },
    async withProviders(providers, work, own = {}) {
      const workers = await startWorkers({ native, server, providers, memory, own });
      const running = workers.run();
      try {
        return await Promise.race([
          work(),
          running.then(() => Promise.reject(new Error('the workers stopped'))),
        ]);
      } finally {
        workers.shutdown();
        await running;
      }
    },
    async start(flowRequest, own = {}) {
      const input: GenerationInput = {
        generationId: randomUUID(),
        characterId: flowRequest.request.characterId,
        nsfw: flowRequest.request.nsfw,
        caller: 'default',
        reservedUsd: 1000,
        flowRequest,
        plan: await planOrder(memory.planSources(), { flowRequest, lineage: own.lineage }, 7),
        ...own,
      };
      return await client.workflow.start(
        workflowTypes[flowRequest.flow],
        startOptions(input, generationTaskQueue),
      );
    },
    async close() {
      await native.close();
    },
  };
}

function memoryStores() {
  const saved = new Map<string, GenerationState>();
  const saves: GenerationState[] = [];
  const recipes: Recipe[] = [];
  const surroundings: Surroundings = { ...usualSurroundings };
  const stores = {
    generations: {
      saveState(...saving: Parameters<GenerationProjection['saveState']>) {
        const [state] = saving;
        saves.push(state);
        saved.set(state.generationId, state);
        return surroundings.saveState(...saving);
      },
    },
    assets: {
      record(_asset: unknown, _origin: unknown, recipe?: Recipe) {
        if (recipe !== undefined) recipes.push(recipe);
        return Promise.resolve();
      },
    },
    spend: { reserve: (...input: Parameters<SpendLedger['reserve']>) => surroundings.reserve(...input) },
  };
  const health: ProviderHealthPort = {
    downSince: (provider) => surroundings.downSince(provider),
    busyMs: (provider) => surroundings.busyMs(provider),
    succeeded: () => undefined,
    failed: (...failure) => surroundings.failed(...failure),
  };
  const planSources = (): PlanSources => ({
    caller: 'default',
    routing: {
      ...testRouting,
      parking: { ...testRouting.parking, graceSeconds: surroundings.graceSeconds },
    },
    readSet: (generationId) => Promise.resolve(saved.get(generationId)),
    assetRecords: { findMade: (...wanted) => surroundings.findMade(...wanted) },
    assetStore: { stat: (assetId) => Promise.resolve({ assetId, bytes: 1, mediaType: 'image/png' }) },
    callLatencies: { p95Seconds: () => Promise.resolve(slowAfterSeconds) },
  });
  return { saved, saves, recipes, surroundings, stores, health, planSources };
}

interface StartWorkers {
  native: NativeConnection;
  server: { namespace: string };
  providers: ProviderClient[];
  memory: ReturnType<typeof memoryStores>;
  own: OwnWorkersOptions;
}

function startWorkers({ native, server, providers, memory, own }: StartWorkers): Promise<Workers> {
  const noMedia = {
    open: () => Promise.reject(new Error('the fakes read no inputs')),
    save: () => Promise.reject(new Error('the fakes store nothing')),
  };
  return createWorkers({
    connection: native,
    namespace: server.namespace,
    taskQueue: generationTaskQueue,
    workflowBundle: workflowBundle(),
    dependencies: {
      ...memory.stores,
      healthRecords: {
        record: (health) => memory.surroundings.recordHealth(health),
        recordParked: () => Promise.resolve(),
      },
      watches: createProviderWatches(
        new Client({ connection: native, namespace: server.namespace }),
        generationTaskQueue,
      ),
      clients: Object.fromEntries(providers.map((client) => [client.provider, client])),
      media: () => noMedia,
      health: memory.health,
    },
    concurrency: { modal: 50, fal: 50, comfyui: 50 },
    shutdownGraceSeconds: 5,
    ...own,
  });
}
