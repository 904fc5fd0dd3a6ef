import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { freeStackPorts } from '../../local/stack/stack-options';
import { readStackFile } from '../../local/stack/stack-file';
import { processRecordFile } from '../../local/stack/supervisor';
import { startTcpProxy, type TcpProxy } from '../../proof/chaos/run/tcp-proxy';
import { startLocalStack, type LocalStack } from '../support/local-stack';
import { waitUntil } from '../support/wait-until';

const names = ['worker', 'worker-2'] as const;
type WorkerName = (typeof names)[number];

let directory: string;
let stack: LocalStack;
/** Between each worker and Temporal. */
let proxies: Record<WorkerName, TcpProxy>;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'ryla-generation-e2e-'));
  const ports = await freeStackPorts();
  const [worker, second] = [await startTcpProxy(ports.temporal), await startTcpProxy(ports.temporal)];
  proxies = { worker, 'worker-2': second };
  stack = await startLocalStack({
    dataDirectory: directory,
    ports,
    workers: 2,
    workerEnvironments: {
      worker: { TEMPORAL_ADDRESS: worker.address },
      'worker-2': { TEMPORAL_ADDRESS: second.address },
    },
    environment: { EMULATOR_TIME_SCALE: '1', EMULATOR_MODAL_JOBS: 'plain', MODAL_NAMED_JOBS: 'off' },
  });
  await stack.api.putCharacter('demo', 'Demo');
}, 120_000);

afterAll(async () => {
  await stack.stop();
  for (const proxy of Object.values(proxies)) await proxy.close();
  await rm(directory, { recursive: true, force: true });
}, 60_000);

const request = { characterId: 'demo', prompt: 'a woman of 30', modelProvider: 'modal', strict: true };

describe('one of two workers', () => {
  it('takes its own call back when it was cut off from Temporal, and no job is paid twice', async () => {
    await stack.control('PUT', '/control/settings', { fixedLatencySeconds: 20 });
    const id = await stack.api.start('studio', { ...request, seed: 5, unknownOutcome: 'hold' });
    const handle = stack.temporal.workflow.getHandle(`studio/demo/${id}`);
    await waitUntil(async () => (await stack.api.runningJobs('modal')) === 1);
    const { name, identity } = await callerOf(handle);

    proxies[name].cut(true);
    // How long it lasts is what is tested: Temporal gives the call up after ten seconds.
    await sleep(30_000);
    const asked = await callsAtItsProcess(handle);
    proxies[name].cut(false);

    expect(asked).toHaveLength(1);
    const { slots } = await stack.result(`studio/demo/${id}`);
    expect(slots).toMatchObject([{ status: 'completed', provider: 'modal', atRiskUsd: 0 }]);
    expect(await paidJobs()).toEqual(['modal succeeded']);
    expect(await workerThatEnded(handle, asked[0])).toBe(identity);
  }, 120_000);

  it('that is killed is replaced by one that has loaded ahead, also after a restart of Temporal', async () => {
    await stack.control('PUT', '/control/settings', { fixedLatencySeconds: 1 });
    await waitUntil(() => Promise.resolve(names.every((name) => standingBy(name) !== undefined)));
    const [before, next] = [pidOf('temporal'), names.map(standingBy)];
    process.kill(before, 'SIGKILL');
    await waitUntil(() => Promise.resolve(![-1, before].includes(pidOf('temporal'))));
    expect(names.map(standingBy)).toEqual(next);

    for (const name of names) process.kill(pidOf(name), 'SIGKILL');

    await waitUntil(() => Promise.resolve(names.every((name, index) => pidOf(name) === next[index])));
    const id = await stack.api.start('studio', { ...request, seed: 6 });
    expect((await stack.result(`studio/demo/${id}`)).status).toBe('completed');
  }, 120_000);
});

async function paidJobs(): Promise<string[]> {
  const { entries } = (await stack.control('GET', '/control/journal')) as {
    entries: { provider: string; outcome: string }[];
  };
  return entries.map(({ provider, outcome }) => `${provider} ${outcome}`);
}

/** The worker that makes the slot's call. */
async function callerOf(handle: WorkflowHandle): Promise<{ name: WorkerName; identity: string }> {
  const { raw } = await handle.describe();
  const identity = raw.pendingActivities?.[0]?.lastWorkerIdentity ?? '';
  const name = names.find((one) => identity.startsWith(`${pidOf(one)}@`));
  if (name === undefined) throw new Error(`no worker is ${identity}`);
  return { name, identity };
}

/** Ids of the events that gave a call to the queue of the one process that can know of its job. */
async function callsAtItsProcess(handle: WorkflowHandle): Promise<string[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap(({ eventId, activityTaskScheduledEventAttributes: scheduled }) =>
    scheduled?.taskQueue?.name?.includes('-process-') === true ? [String(eventId)] : [],
  );
}

async function workerThatEnded(handle: WorkflowHandle, scheduledId: string | undefined): Promise<unknown> {
  const { events } = await handle.fetchHistory();
  return (events ?? [])
    .map(({ activityTaskCompletedEventAttributes: completed }) => completed)
    .find((completed) => String(completed?.scheduledEventId) === scheduledId)?.identity;
}

/** Of the process that runs now; -1 between two. */
function pidOf(name: string): number {
  return readStackFile(directory)?.pids[name] ?? -1;
}

function standingBy(name: WorkerName): number | undefined {
  const records = JSON.parse(readFileSync(processRecordFile(directory), 'utf8')) as {
    name: string;
    identity: string;
  }[];
  const record = records.find((one) => one.name === `${name} (standing by)`);
  return record && Number.parseInt(record.identity, 10);
}
