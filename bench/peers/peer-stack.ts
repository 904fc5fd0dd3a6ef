import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { startEmulator } from '../../src/emulator/start-emulator';
import { freePorts } from '../../src/stack/free-ports';
import { projectDirectory } from '../../src/stack/project-directory';
import type { ChaosStack } from '../chaos/run/chaos-stack';
import { controlOf } from '../chaos/run/control';
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
    control: controlOf(emulator.urls.control),
    kill: () => killWhenUp(keeper, `http://127.0.0.1:${port}`),
    async stop() {
      keeper.stop();
      redis?.stop();
      await emulator.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

interface Keeper {
  pid(): number | undefined;
  stop(): void;
}

/** Longest a killed peer needs to answer again. */
const upMs = 60_000;

async function killWhenUp(keeper: Keeper, api: string): Promise<void> {
  const giveUpAt = Date.now() + upMs;
  while (!(await isUp(api))) {
    if (Date.now() > giveUpAt) throw new Error(`the peer did not come back within ${upMs / 1000} s`);
    await delay(50);
  }
  const pid = keeper.pid();
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
}

async function isUp(api: string): Promise<boolean> {
  return await fetch(api).then(
    () => true,
    () => false,
  );
}

function keepRunning(name: PeerName, environment: NodeJS.ProcessEnv): Keeper {
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
