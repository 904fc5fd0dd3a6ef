import { once, EventEmitter } from 'node:events';
import type { GenerationState } from '../../src/domain/generation';
import { generationTaskQueue } from '../../src/domain/task-queues';
import { setCurrentVersion, setUnversionedCurrent } from '../../src/worker/versions/current-version';
import { failing, FakeProvider, picture, type Answer } from '../support/fake-provider';
import { fluxLora, studio } from '../support/flow-requests';
import { startHarness, type GenerationHarness } from '../support/generation-harness';
import { waitUntil } from '../support/wait-until';

const down = failing('outage', { message: 'connection refused' });
const ok: Answer = (job) => Promise.resolve(picture(job));
/** Only Modal can make it, so it waits while Modal is out. */
const parked = () => studio({ useLora: true }, { lora: fluxLora });

let harness: GenerationHarness;

beforeEach(async () => {
  harness = await startHarness();
});
afterEach(async () => {
  await harness.close();
});

/** Workers of one build, current from the start, for as long as `work` takes. */
function withBuild(buildId: string, modal: FakeProvider, work: () => Promise<void>): Promise<void> {
  const version = { deploymentName: generationTaskQueue, buildId };
  const deployed = async (): Promise<void> => {
    await setCurrentVersion(harness.deployments, version, { timeoutMs: 30_000 });
    await work();
  };
  return harness.withProviders([modal], deployed, { version });
}

type Run = Awaited<ReturnType<GenerationHarness['start']>>;

async function untilParked(run: Run): Promise<void> {
  await waitUntil(async () => {
    const { slots } = await run.query<GenerationState>('progress');
    return slots[0]?.status === 'waiting';
  });
}

describe('a deploy', () => {
  it('lets a job that an old build parked finish under the new one', async () => {
    const parkedRuns: Run[] = [];
    await withBuild('old', new FakeProvider('modal', down), async () => {
      const run = await harness.start(parked());
      await untilParked(run);
      parkedRuns.push(run);
    });

    const modal = new FakeProvider('modal', ok);
    await withBuild('new', modal, async () => {
      const state = await parkedRuns[0]!.result();
      expect(state.status).toBe('completed');
    });
    expect(modal.jobs).toHaveLength(1);
  }, 120_000);

  it('finishes a call of the old build there, and goes on with the new one', async () => {
    const gate = new EventEmitter();
    const old = new FakeProvider('modal', async (job) => {
      const opened = once(gate, 'open');
      gate.emit('called');
      await opened;
      return picture(job);
    });
    const young = new FakeProvider('modal', ok);
    const runs: Run[] = [];
    const called = once(gate, 'called');
    const oldBuild = withBuild('old', old, async () => {
      runs.push(await harness.start(studio()));
      await called;
      gate.emit('in flight');
      await once(gate, 'deployed');
      gate.emit('open');
    });
    await once(gate, 'in flight');
    await withBuild('new', young, async () => {
      gate.emit('deployed');
      await oldBuild;
      expect((await runs[0]!.result()).status).toBe('completed');
    });

    expect([old.jobs.length, young.jobs.length]).toEqual([1, 0]);
  }, 120_000);

  it('goes back to work after a crash with the build that was there before', async () => {
    const runs: Run[] = [];
    await withBuild('same', new FakeProvider('modal', down), async () => {
      const run = await harness.start(parked());
      await untilParked(run);
      runs.push(run);
    });

    await harness.withProviders(
      [new FakeProvider('modal', ok)],
      async () => {
        expect((await runs[0]!.result()).status).toBe('completed');
      },
      { version: { deploymentName: generationTaskQueue, buildId: 'same' } },
    );
  }, 120_000);

  it('may be the first with a version, and the way back is to have none again', async () => {
    const runs: Run[] = [];
    await harness.withProviders([new FakeProvider('modal', down)], async () => {
      const run = await harness.start(parked());
      await untilParked(run);
      runs.push(run);
    });
    const failedAgain = new FakeProvider('modal', down);
    await withBuild('first', failedAgain, async () => {
      await waitUntil(() => Promise.resolve(failedAgain.jobs.length > 0));
    });

    await setUnversionedCurrent(harness.deployments, generationTaskQueue);
    await harness.withProviders([new FakeProvider('modal', ok)], async () => {
      expect((await runs[0]!.result()).status).toBe('completed');
    });
  }, 120_000);
});
