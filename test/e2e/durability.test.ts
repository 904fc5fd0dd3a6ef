import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { GenerationState } from '../../src/domain/generation';
import { startLocalStack, type LocalStack } from '../support/local-stack';
import { waitUntil } from '../support/wait-until';

interface JournalEntry {
  provider: string;
  outcome: string;
  chargedUsd: number;
}

let directory: string;
let stack: LocalStack;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'ryla-generation-e2e-'));
  stack = await startLocalStack({ dataDirectory: directory, environment: { EMULATOR_TIME_SCALE: '1' } });
  await stack.api.putCharacter('demo', 'Demo');
}, 120_000);

afterAll(async () => {
  await stack.stop();
  await rm(directory, { recursive: true, force: true });
}, 60_000);

beforeEach(async () => {
  await stack.control('DELETE', '/control/journal');
  await stack.control('PUT', '/control/settings', { fixedLatencySeconds: 5, fal: { queueSeconds: 0 } });
});

const fal = { characterId: 'demo', prompt: 'a woman of 30', modelProvider: 'fal', strict: true, seed: 5 };

describe('jobs in flight', () => {
  it('are collected, not paid again, after kill -9 of the worker, the API and the Temporal server', async () => {
    const id = await stack.api.start('studio', { ...fal, count: 3 });
    await runningJobs('fal', 3);
    // Every job has its handle once the first poll was made; the kill hits calls that only wait.
    await everyCallAccepted(id, 3);
    for (const name of ['worker', 'api', 'temporal']) process.kill(stack.description.pids[name]!, 'SIGKILL');

    const state = await stack.result(`studio/demo/${id}`);
    expect(state.status).toBe('completed');
    expect(state.slots.flatMap(({ attempts }) => attempts.map(({ outcome }) => outcome))).toContain(
      'succeeded',
    );
    expect(await paidJobs()).toHaveLength(3);
    expect((await stack.api.generation(id)).status).toBe('completed');
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

async function paidJobs(): Promise<JournalEntry[]> {
  const { entries } = (await stack.control('GET', '/control/journal')) as { entries: JournalEntry[] };
  return entries;
}

async function runningJobs(provider: string, count: number): Promise<void> {
  await waitUntil(async () => (await stack.api.runningJobs(provider)) === count);
}

async function everyCallAccepted(id: string, count: number): Promise<void> {
  await waitUntil(async () => {
    const { raw } = await stack.temporal.workflow.getHandle(`studio/demo/${id}`).describe();
    const notes = (raw.pendingActivities ?? []).map(({ heartbeatDetails }) =>
      Buffer.from(heartbeatDetails?.payloads?.[0]?.data ?? []).toString('utf8'),
    );
    return notes.filter((note) => note.includes('"accepted"')).length === count;
  });
}

async function untilState(id: string, isReached: (state: GenerationState) => boolean): Promise<void> {
  const handle = stack.temporal.workflow.getHandle(`studio/demo/${id}`);
  await waitUntil(async () => isReached(await handle.query<GenerationState>('progress')));
}
