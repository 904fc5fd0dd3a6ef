import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { GenerationState } from '../../src/domain/generation';
import { buildDirectory } from '../../local/stack/build-programs';
import { processCommand } from '../../local/stack/process-identity';
import { projectDirectory } from '../../local/stack/project-directory';
import { readStackFile } from '../../local/stack/stack-file';
import { startLocalStack, type LocalStack } from '../support/local-stack';
import { waitUntil } from '../support/wait-until';

interface JournalEntry {
  provider: string;
  outcome: string;
}

let directory: string;
let stack: LocalStack;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'ryla-generation-e2e-'));
  stack = await startLocalStack({
    dataDirectory: directory,
    environment: { EMULATOR_TIME_SCALE: '1', NSFW_ENABLED: 'true' },
  });
  await stack.api.putCharacter('demo', 'Demo');
}, 120_000);

afterAll(async () => {
  await stack.stop();
  await rm(directory, { recursive: true, force: true });
}, 60_000);

beforeEach(async () => {
  await stack.control('DELETE', '/control/journal');
  await stack.control('PUT', '/control/settings', { fixedLatencySeconds: 8, fal: { queueSeconds: 0 } });
});

const common = { characterId: 'demo', prompt: 'a woman of 30', strict: true, seed: 5 };
/** One request for each provider. */
const fal = { ...common, modelProvider: 'fal' };
const modal = { ...common, modelProvider: 'modal' };
const pod = { ...common, modelProvider: 'comfyui', modelId: 'comfyui-sdxl-text-to-image', nsfw: true };

describe('jobs in flight', () => {
  it('are collected, not paid again, after kill -9 of the worker, the API and the Temporal server', async () => {
    // Modal hands out the URL of a result only while it is at work on it.
    await stack.control('PUT', '/control/settings', { modal: { redirectAfterSeconds: 1 } });
    const ids = await startAll({ ...fal, count: 3 }, modal, pod);
    // Every job has its handle; the kill hits calls that only wait.
    await acceptedCalls(ids, 5);
    for (const name of ['worker', 'api', 'temporal']) process.kill(pidOf(name), 'SIGKILL');

    for (const { status, slots } of await resultsOf(ids)) {
      expect(status).toBe('completed');
      for (const { attempts } of slots) {
        expect(attempts.at(-1)?.outcome).toBe('succeeded');
        expect(attempts.map(({ certainty }) => certainty)).not.toContain('unknown');
      }
    }
    expect(await paidJobs()).toEqual([
      'comfyui succeeded',
      ...threeTimes('fal succeeded'),
      'modal succeeded',
    ]);
    for (const id of ids) expect((await stack.api.generation(id)).status).toBe('completed');
    const build = buildDirectory(projectDirectory);
    for (const name of ['worker', 'api']) expect(processCommand(pidOf(name))).toContain(build);
  }, 180_000);

  it('are finished by a worker that is told to stop, each in its first and only attempt', async () => {
    // A pod does not run a graph again that it has just run.
    const seed = 11;
    const ids = await startAll({ ...modal, seed }, { ...fal, seed }, { ...pod, seed });
    // Modal has told nothing yet: a call cut off now would be lost, and perhaps paid.
    for (const provider of ['modal', 'fal', 'comfyui']) await runningJobs(provider, 1);
    const stopped = pidOf('worker');
    process.kill(stopped, 'SIGTERM');

    for (const { status, slots } of await resultsOf(ids)) {
      expect(status).toBe('completed');
      expect(slots[0]?.attempts).toMatchObject([{ number: 1, outcome: 'succeeded', certainty: 'accepted' }]);
    }
    expect(await paidJobs()).toEqual(['comfyui succeeded', 'fal succeeded', 'modal succeeded']);
    expect(pidOf('worker')).not.toBe(stopped);
  }, 120_000);

  it('survive a stop of the whole stack and go on at the next start', async () => {
    await stack.control('POST', '/control/providers/modal', { state: 'down' });
    await stack.control('POST', '/control/providers/fal', { state: 'down' });
    const id = await stack.api.start('studio', { characterId: 'demo', prompt: 'a woman of 30', seed: 6 });
    await untilState(id, ({ slots }) => slots[0]?.status === 'waiting');
    const { ports } = stack;
    await stack.stop();

    stack = await startLocalStack({
      dataDirectory: directory,
      ports,
      environment: { EMULATOR_TIME_SCALE: '0.02' },
    });
    const state = await stack.result(`studio/demo/${id}`);
    expect(state.status).toBe('completed');
    expect(state.slots[0]?.attempts.at(-1)).toMatchObject({ outcome: 'succeeded', provider: 'modal' });
  }, 180_000);
});

/** Of the process that runs now. */
function pidOf(name: string): number {
  const pid = readStackFile(directory)?.pids[name];
  if (pid === undefined) throw new Error(`stack.json names no ${name}`);
  return pid;
}

async function startAll(...bodies: object[]): Promise<string[]> {
  return await Promise.all(bodies.map((body) => stack.api.start('studio', body)));
}

async function resultsOf(ids: readonly string[]): Promise<GenerationState[]> {
  return await Promise.all(ids.map((id) => stack.result(`studio/demo/${id}`)));
}

/** Provider and outcome of every paid job, sorted. */
async function paidJobs(): Promise<string[]> {
  const { entries } = (await stack.control('GET', '/control/journal')) as { entries: JournalEntry[] };
  return entries.map(({ provider, outcome }) => `${provider} ${outcome}`).sort();
}

function threeTimes(entry: string): string[] {
  return [entry, entry, entry];
}

async function runningJobs(provider: string, count: number): Promise<void> {
  await waitUntil(async () => (await stack.api.runningJobs(provider)) === count);
}

/** Waits until so many calls of these generations have noted how to get back to their job. */
async function acceptedCalls(ids: readonly string[], count: number): Promise<void> {
  const handles = ids.map((id) => stack.temporal.workflow.getHandle(`studio/demo/${id}`));
  await waitUntil(async () => {
    const runs = await Promise.all(handles.map((handle) => handle.describe()));
    const notes = runs
      .flatMap(({ raw }) => raw.pendingActivities ?? [])
      .map(({ heartbeatDetails }) =>
        Buffer.from(heartbeatDetails?.payloads?.[0]?.data ?? []).toString('utf8'),
      );
    return notes.filter((note) => note.includes('"accepted"')).length === count;
  });
}

async function untilState(id: string, isReached: (state: GenerationState) => boolean): Promise<void> {
  const handle = stack.temporal.workflow.getHandle(`studio/demo/${id}`);
  await waitUntil(async () => isReached(await handle.query<GenerationState>('progress')));
}
