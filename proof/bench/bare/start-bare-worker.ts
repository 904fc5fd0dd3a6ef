import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { BenchStack } from '../bench-stack';
import type { bareSet } from './bare-workflow';

const taskQueue = 'bench-bare';

/** A worker of bare workflows beside the stack, on the same Temporal server. */
export interface BareWorker {
  pid: number;
  /** Starts a set, and returns when Temporal has taken it. */
  start(workflowId: string, slots: number, seconds: number): Promise<void>;
  result(workflowId: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startBareWorker(
  { description, temporal }: BenchStack,
  callsAtATime: number,
): Promise<BareWorker> {
  const script = require.resolve('./bare-worker');
  const { temporal: address, namespace } = description;
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', script, address, namespace, taskQueue, String(callsAtATime)],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const ended = once(child, 'exit');
  await Promise.race([
    once(child.stdout, 'data'),
    ended.then(() => Promise.reject(new Error('the bare worker ended'))),
  ]);
  const { workflow } = temporal;
  return {
    pid: child.pid ?? 0,
    async start(workflowId, slots, seconds) {
      await workflow.start<typeof bareSet>('bareSet', { workflowId, taskQueue, args: [slots, seconds] });
    },
    result: (workflowId) => workflow.result(workflowId),
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
