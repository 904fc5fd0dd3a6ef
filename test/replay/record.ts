import { EventEmitter, once } from 'node:events';
import type { FlowRequest } from '../../src/domain/requests';
import { failing, FakeProvider, hanging, inTurn, picture, type Answer } from '../support/fake-provider';
import { baseImages, fluxLora, profilePictures, studio } from '../support/flow-requests';
import { startHarness, type GenerationHarness } from '../support/generation-harness';
import globalTeardown from '../support/global-teardown';
import { bundleForTests } from '../support/workflow-bundle';
import { writeHistory } from './history-file';
import { recordWatches } from './record-watches';

/**
 * Records one history of every shape a run can take. Run it when a workflow gains a new shape; never to make a red
 * replay test green: those histories stand for runs that are under way while a deploy happens.
 */
async function main(): Promise<void> {
  process.env['TEST_WORKFLOW_BUNDLE'] = await bundleForTests();
  const harness = await startHarness();
  try {
    await recordFinished(harness);
    await recordUnfinished(harness);
  } finally {
    await harness.close();
  }
  await recordResumed();
  await recordWatches();
  await globalTeardown();
}

/** The second run of a job whose first history grew long. */
async function recordResumed(): Promise<void> {
  const harness = await startHarness({ dynamicConfig: ['limit.historyCount.suggestContinueAsNew=60'] });
  try {
    const modal = new FakeProvider('modal', (job, call, context) =>
      (call > 8 ? ok : down)(job, call, context),
    );
    await finished(harness, 'studio-resumed', [modal], studio({ useLora: true }, { lora: fluxLora }));
  } finally {
    await harness.close();
  }
}

const ok: Answer = (job) => Promise.resolve(picture(job));
const down = failing('outage', { message: 'connection refused' });

async function recordFinished(harness: GenerationHarness): Promise<void> {
  const all = [new FakeProvider('modal'), new FakeProvider('fal'), new FakeProvider('comfyui')];
  await finished(harness, 'base-images-completed', all, baseImages());
  await finished(
    harness,
    'base-images-modal-out',
    [new FakeProvider('modal', down), new FakeProvider('fal')],
    baseImages(),
  );
  await finished(harness, 'profile-pictures-completed', all, profilePictures());
  await finished(harness, 'studio-completed', all, studio({ count: 2 }));
  await finished(harness, 'studio-refused', all, studio({ useLora: true }));
  await finished(harness, 'studio-input-failure', [new FakeProvider('modal', failing('input'))], studio());
  const backAgain = new FakeProvider('modal', inTurn(down, ok));
  await finished(harness, 'studio-lora-waited', [backAgain], studio({ useLora: true }, { lora: fluxLora }));
}

async function finished(
  harness: GenerationHarness,
  name: string,
  providers: FakeProvider[],
  request: FlowRequest,
): Promise<void> {
  await harness.withProviders(providers, async () => {
    const handle = await harness.start(request);
    await handle.result();
    const lastRun = harness.client.workflow.getHandle(handle.workflowId);
    await writeHistory(name, { workflowId: handle.workflowId, history: await lastRun.fetchHistory() });
  });
}

/** Runs that a deploy would find half done: a call under way, a slot that waits, a cancelled run. */
async function recordUnfinished(harness: GenerationHarness): Promise<void> {
  const gate = new EventEmitter();
  const modal = new FakeProvider('modal', (job, call, context) => {
    if (call === 1) return ok(job, call, context);
    gate.emit('called');
    return hanging(job, call, context);
  });
  await harness.withProviders([modal], async () => {
    const called = once(gate, 'called');
    const handle = await harness.start(studio({ count: 2 }));
    await called;
    await writeHistory('studio-half-done', {
      workflowId: handle.workflowId,
      history: await handle.fetchHistory(),
    });
    await handle.cancel();
    await handle.result().catch(() => undefined);
    await writeHistory('studio-cancelled', {
      workflowId: handle.workflowId,
      history: await handle.fetchHistory(),
    });
  });
  await recordWaiting(harness);
}

async function recordWaiting(harness: GenerationHarness): Promise<void> {
  const gate = new EventEmitter();
  const modal = new FakeProvider('modal', (job, call, context) => {
    if (call === 3) gate.emit('third');
    return down(job, call, context);
  });
  await harness.withProviders([modal], async () => {
    const thirdCall = once(gate, 'third');
    const handle = await harness.start(studio({ useLora: true }, { lora: fluxLora }));
    await thirdCall;
    await writeHistory('studio-waiting', {
      workflowId: handle.workflowId,
      history: await handle.fetchHistory(),
    });
    await handle.terminate('recorded');
  });
}

void main();
