import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEmulator } from '../../emulator/start-emulator';
import { compilePrograms } from '../../local/stack/compile-programs';
import { freePorts } from '../../local/stack/free-ports';
import { projectDirectory } from '../../local/stack/project-directory';
import type { ChaosStack } from '../chaos/run/chaos-stack';
import { controlOf } from '../chaos/run/control';
import type { KillTarget } from '../chaos/work/plan-disruptions';
import { KeptProcess, type ProcessPlan } from './kept-process';
import { planRedis } from './redis-server';

export const peerNames = ['in-memory', 'bullmq'] as const;
export type PeerName = (typeof peerNames)[number];

/** Compiled as the programs of this service are, so that a killed one is back as soon. */
const entryPoints = {
  'in-memory': 'proof/peers/in-memory-process.ts',
  'bullmq-api': 'proof/peers/bullmq-api-process.ts',
  'bullmq-worker': 'proof/peers/bullmq-worker-process.ts',
};
const compiled = path.join(projectDirectory, 'data', 'peers');

/** A peer with the emulated providers. */
export interface PeerStack extends ChaosStack {
  /** Base URL of the emulated Modal. */
  modal: string;
}

/** What stands where this service has its API, its workers and its store of jobs; a design may lack one. */
type PeerProcesses = Partial<Record<KillTarget, KeptProcess>>;

/** Starts a peer whose processes are started again whenever they die. */
export async function startPeerStack(
  name: PeerName,
  { timeScale, seed }: { timeScale: number; seed: number },
): Promise<PeerStack> {
  const emulator = await startEmulator({ timeScale, seed });
  const [port = 0, workerPort = 0, redisPort = 0] = await freePorts(3);
  const directory = mkdtempSync(path.join(tmpdir(), 'ryla-generation-peer-'));
  await compilePrograms(entryPoints, compiled);
  const environment = {
    PEER_PORT: String(port),
    PEER_REDIS_PORT: String(redisPort),
    PEER_DIRECTORY: directory,
    PEER_FAL_URL: emulator.urls.fal,
    PEER_COMFYUI_URL: emulator.urls.comfyui,
  };
  const processes =
    name === 'bullmq'
      ? startBullMq(environment, { port, workerPort, redisPort, directory })
      : startInMemory(environment, port);
  const all = [...new Set(Object.values(processes))];
  await Promise.all(all.map((one) => one.untilUp()));
  return {
    api: `http://127.0.0.1:${port}`,
    modal: emulator.urls.modal,
    control: controlOf(emulator.urls.control),
    kill: async (target) => await processes[target]?.kill(),
    // None of them has one process that looks after another's work from afar.
    partition: () => Promise.resolve(undefined),
    async stop() {
      for (const one of all) one.stop();
      await emulator.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** One process does everything, and nothing else knows of a job. */
function startInMemory(environment: NodeJS.ProcessEnv, port: number): PeerProcesses {
  const only = new KeptProcess(nodeProcess('in-memory', environment, port));
  return { api: only, worker: only };
}

function startBullMq(
  environment: NodeJS.ProcessEnv,
  {
    port,
    workerPort,
    redisPort,
    directory,
  }: Record<'port' | 'workerPort' | 'redisPort', number> & { directory: string },
): PeerProcesses {
  const worker = new KeptProcess(
    nodeProcess('bullmq-worker', { ...environment, PEER_PORT: String(workerPort) }, workerPort),
  );
  return {
    temporal: new KeptProcess(planRedis(redisPort, directory)),
    api: new KeptProcess(nodeProcess('bullmq-api', environment, port)),
    worker,
    'worker-2': worker,
  };
}

function nodeProcess(name: string, environment: NodeJS.ProcessEnv, port: number): ProcessPlan {
  return {
    name,
    file: process.execPath,
    args: [path.join(compiled, `${name}.js`)],
    environment,
    isUp: () => isAnswering(`http://127.0.0.1:${port}`),
  };
}

async function isAnswering(url: string): Promise<boolean> {
  return await fetch(url).then(
    () => true,
    () => false,
  );
}
