import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { startEmulator, type RunningEmulator } from '../../src/emulator/start-emulator';
import { freePorts } from '../../src/stack/free-ports';
import { projectDirectory } from '../../src/stack/project-directory';
import type { ChaosStack } from '../chaos/run/chaos-stack';
import { startRedis } from './redis-server';

export const peerNames = ['in-memory', 'bullmq'] as const;
export type PeerName = (typeof peerNames)[number];

/** A peer with the emulated providers; what kills a process of the real stack kills the peer's only one. */
export interface PeerStack extends ChaosStack {
  /** Base URL of the emulated Modal. */
  modal: string;
}

/** As the supervisor of the real stack does at first. */
const restartMs = 500;

/** Starts a peer that is started again whenever it dies. Redis, where it has one, is never touched. */
export async function startPeerStack(
  name: PeerName,
  { timeScale, seed }: { timeScale: number; seed: number },
): Promise<PeerStack> {
  const emulator = await startEmulator({ timeScale, seed });
  const [port = 0, redisPort = 0] = await freePorts(2);
  const redis = name === 'bullmq' ? await startRedis(redisPort) : undefined;
  const directory = mkdtempSync(path.join(tmpdir(), 'ryla-generation-peer-'));
  const keeper = keepRunning(name, {
    PEER_PORT: String(port),
    PEER_REDIS_PORT: String(redisPort),
    PEER_DIRECTORY: directory,
    PEER_FAL_URL: emulator.urls.fal,
    PEER_COMFYUI_URL: emulator.urls.comfyui,
  });
  return {
    api: `http://127.0.0.1:${port}`,
    modal: emulator.urls.modal,
    control: controlOf(emulator),
    pid: () => keeper.pid(),
    async stop() {
      keeper.stop();
      redis?.stop();
      await emulator.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function controlOf({ urls }: RunningEmulator): ChaosStack['control'] {
  return async (method, route, body) => {
    const response = await fetch(new URL(route, urls.control), {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    if (!response.ok) throw new Error(`the emulator refused ${method} ${route}: ${await response.text()}`);
    return response.status === 204 ? undefined : ((await response.json()));
  };
}

function keepRunning(
  name: PeerName,
  environment: NodeJS.ProcessEnv,
): { pid(): number | undefined; stop(): void } {
  const loader = pathToFileURL(require.resolve('tsx')).href;
  const main = path.join(projectDirectory, 'bench', 'peers', `${name}-process.ts`);
  let child: ChildProcess | undefined;
  let isStopping = false;
  const start = (): void => {
    if (isStopping) return;
    child = spawn(process.execPath, ['--import', loader, main], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.once('exit', () => {
      child = undefined;
      setTimeout(start, restartMs);
    });
  };
  start();
  const stop = (): void => {
    isStopping = true;
    child?.kill('SIGKILL');
  };
  process.once('exit', stop);
  return { pid: () => child?.pid, stop };
}
