import { EventEmitter, once } from 'node:events';
import type { GenerationState, SlotStatus } from '../../src/domain/generation';
import {
  decideSlotUpdateName,
  progressQueryName,
  providerUpSignalName,
  retryNowUpdateName,
} from '../../src/domain/messages';
import type { FlowRequest } from '../../src/domain/requests';
import { failing, FakeProvider, hanging, inTurn, lost, picture, type Answer } from '../support/fake-provider';
import { baseImages, fluxLora, profilePictures, studio } from '../support/flow-requests';
import { startHarness, type GenerationHarness } from '../support/generation-harness';
import globalTeardown from '../support/global-teardown';
import { waitUntil } from '../support/wait-until';
import { bundleForTests } from '../support/workflow-bundle';
import { writeHistory } from './history-file';
import { recordWatches } from './record-watches';

/**
 * Records one history of every shape a run can take, where there is none yet. Run it when a workflow gains a new shape;
 * never remove one to make a red replay test green.
 */
async function main(): Promise<void> {
  process.env['TEST_WORKFLOW_BUNDLE'] = await bundleForTests();
  const harness = await startHarness();
  try {
    await recordFinished(harness);
    await recordUnfinished(harness);
    await recordMoney(harness);
    await recordDoubts(harness);
    await recordLost(harness);
    await recordParked(harness);
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
  await finished(harness, 'studio-completed', all, studio());
  await finished(harness, 'studio-input-failure', [new FakeProvider('modal', failing('input'))], studio());
  const backAgain = new FakeProvider('modal', inTurn(down, ok));
  await finished(harness, 'studio-lora-waited', [backAgain], studio({ useLora: true }, { lora: fluxLora }));
  const saves = [() => Promise.reject(new Error('the database is away'))];
  harness.surroundings.saveState = () => saves.pop()?.() ?? Promise.resolve({ forgottenUsd: 0 });
  await finished(harness, 'studio-saved-late', all, studio());
  harness.resetSurroundings();
}

async function finished(
  harness: GenerationHarness,
  name: string,
  providers: FakeProvider[],
  request: FlowRequest,
  own: Parameters<GenerationHarness['start']>[1] = {},
): Promise<void> {
  await harness.withProviders(providers, async () => {
    const handle = await harness.start(request, own);
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

/** What becomes of submits in doubt, of pictures of no use, and of limits. */
async function recordMoney(harness: GenerationHarness): Promise<void> {
  const gone: Answer = (job, call, context) => (call <= 2 ? lost : ok)(job, call, context);
  await finished(harness, 'studio-resubmitted', [new FakeProvider('modal', gone)], studio());
  const elsewhere = [new FakeProvider('modal', lost), new FakeProvider('fal')];
  await finished(harness, 'studio-sent-elsewhere', elsewhere, studio());
  await finished(harness, 'studio-sent-after-a-wait', [new FakeProvider('modal', gone)], studio());
  const blank = failing('media_blank', { outcome: 'useless' });
  const both = [new FakeProvider('modal', inTurn(blank, ok)), new FakeProvider('fal')];
  await finished(harness, 'base-images-refilled', both, baseImages());
  const strict = { modelId: 'modal-flux-dev', strict: true };
  await finished(harness, 'studio-spoiled', [new FakeProvider('modal', blank)], studio(strict));
  const over = studio();
  await finished(harness, 'studio-over-reservation', [new FakeProvider('modal', inTurn(blank, ok))], over, {
    reservedUsd: 0.03,
  });
  const slow: Answer = async (job, call, context) => {
    await context.dispatch.intent();
    await context.dispatch.accepted({ call });
    return await hanging(job, call, context);
  };
  const racers = [stopsFor('modal', slow), new FakeProvider('fal')];
  await finished(harness, 'studio-hedged', racers, studio({ hedge: true }));
  const truncated = failing('media_truncated', { outcome: 'gone' });
  await harness.withProviders([new FakeProvider('modal', truncated)], async () => {
    const handle = await harness.start(studio({ unknownOutcome: 'hold' }));
    await untilSlotIs(handle, 'needs_decision');
    const history = await handle.fetchHistory();
    await writeHistory('studio-asks-for-lost-picture', { workflowId: handle.workflowId, history });
    await handle.terminate('recorded');
  });
  await harness.withProviders([new FakeProvider('modal', lost)], async () => {
    const handle = await harness.start(studio({ unknownOutcome: 'hold' }));
    await untilSlotIs(handle, 'needs_decision');
    await writeHistory('studio-needs-decision', {
      workflowId: handle.workflowId,
      history: await handle.fetchHistory(),
    });
    await handle.executeUpdate(decideSlotUpdateName, { args: [{ slot: 1, decision: 'give_up' }] });
    await handle.result();
    await writeHistory('studio-given-up', {
      workflowId: handle.workflowId,
      history: await handle.fetchHistory(),
    });
  });
}

/** Submits that only a gateway answers for, and an accepted job that cannot be had. */
async function recordDoubts(harness: GenerationHarness): Promise<void> {
  const gateway = failing('bad_gateway', { outcome: 'nobody_knows', status: 502 });
  const strict = { modelId: 'modal-flux-dev', strict: true };
  await finished(harness, 'studio-doubts-counted', [new FakeProvider('modal', gateway)], studio(strict));
  const both = [new FakeProvider('modal', gateway), new FakeProvider('fal', gateway)];
  await finished(harness, 'studio-doubts-in-turn', both, studio());
  const falStrict = { modelProvider: 'fal', modelId: 'fal-flux-dev', strict: true, unknownOutcome: 'hold' };
  const hangs: Answer = async (job, call, context) => {
    if (job.jobKey.endsWith('/2')) return picture(job);
    if (context.dispatch.previous.phase === 'none') {
      await context.dispatch.intent();
      await context.dispatch.accepted({ request: 'r-1' });
    }
    const silent = { outcome: 'still_there' } as const;
    return await failing('deadline_exceeded', { ...silent, provider: 'fal' })(job, call, context);
  };
  const found = [new FakeProvider('fal', inTurn(hangs, hangs, hangs, ok))];
  await finished(harness, 'studio-finds-an-open-job', found, studio(falStrict));
  await harness.withProviders([stopsFor('fal', hangs)], async () => {
    const handle = await harness.start(studio(falStrict));
    await untilSlotIs(handle, 'needs_decision');
    await handle.executeUpdate(decideSlotUpdateName, { args: [{ slot: 1, decision: 'resubmit' }] });
    await handle.result();
    await writeHistory('studio-asks-for-an-open-job', {
      workflowId: handle.workflowId,
      history: await handle.fetchHistory(),
    });
  });
}

/** A provider that says what a stopped job is billed. */
function stopsFor(provider: 'modal' | 'fal', answer: Answer): FakeProvider {
  const fake = new FakeProvider(provider, answer);
  fake.chargeOfStop = 'price';
  return fake;
}

/** Submits without an answer at a provider that can be asked for them, and jobs settled after the end of their set. */
async function recordLost(harness: GenerationHarness): Promise<void> {
  const named = (answer: Answer): FakeProvider => {
    const modal = new FakeProvider('modal', answer);
    modal.leavesClue = true;
    return modal;
  };
  const dies: Answer = async (_job, _call, context) => {
    await context.dispatch.intent();
    throw new Error('the worker stops here');
  };
  const found = named((job, call, context) => (call === 1 ? dies : ok)(job, call, context));
  await finished(harness, 'studio-found', [found], studio());
  const never = failing('never_accepted', { outcome: 'nothing_sent' });
  const unsent = named((job, call, context) =>
    (call === 1 ? dies : call === 2 ? never : ok)(job, call, context),
  );
  await finished(harness, 'studio-never-accepted', [unsent], studio());

  const gone = failing('connection_refused', { outcome: 'unreachable' });
  const left = named(async (job, call, context) => {
    if (context.dispatch.previous.phase === 'none') {
      await context.dispatch.intent();
      await context.dispatch.accepted({ key: job.jobKey });
    }
    harness.surroundings.downSince = (name) => (name === 'modal' ? '2026-01-02T03:04:05.678Z' : undefined);
    return await gone(job, call, context);
  });
  const providers = [left, new FakeProvider('fal')];
  const work = async () => {
    const handle = await harness.start(studio());
    await waitUntil(async () => {
      const { status } = await handle.query<GenerationState>(progressQueryName);
      return status === 'completed' && left.stopped.length > 0;
    });
    await writeHistory('studio-settling', {
      workflowId: handle.workflowId,
      history: await handle.fetchHistory(),
    });
    left.answerToStop = { kind: 'finished', handle: { key: left.jobs[0]?.jobKey ?? '' } };
    left.answer = ok;
    await handle.result();
    await writeHistory('studio-settled', {
      workflowId: handle.workflowId,
      history: await handle.fetchHistory(),
    });
  };
  left.isHealthy = false;
  harness.surroundings.graceSeconds = 2;
  await harness.withProviders(providers, work);
  harness.resetSurroundings();
}

/** Slots that wait for a provider that is known to be down. */
async function recordParked(harness: GenerationHarness): Promise<void> {
  const request = () => studio({ useLora: true }, { lora: fluxLora });
  const modal = new FakeProvider('modal', ok);
  modal.isHealthy = false;
  harness.surroundings.downSince = () => '2026-01-02T03:04:05.678Z';
  await harness.withProviders([modal], async () => {
    const woken = await harness.start(request());
    const impatient = await harness.start(request());
    await untilSlotIs(woken, 'waiting');
    await untilSlotIs(impatient, 'waiting');
    await writeHistory('studio-parked-at-watch', {
      workflowId: woken.workflowId,
      history: await woken.fetchHistory(),
    });
    harness.resetSurroundings();
    await woken.signal(providerUpSignalName, { provider: 'modal' });
    await impatient.executeUpdate(retryNowUpdateName);
    for (const [name, handle] of [
      ['studio-woken', woken],
      ['studio-retried-now', impatient],
    ] as const) {
      await handle.result();
      await writeHistory(name, { workflowId: handle.workflowId, history: await handle.fetchHistory() });
    }
  });
  await recordStopped(harness);
}

/** A job that was accepted and is out of reach when its caller no longer wants it. */
async function recordStopped(harness: GenerationHarness): Promise<void> {
  const fal = new FakeProvider('fal', async (job, call, context) => {
    await context.dispatch.intent();
    await context.dispatch.accepted({ request: 'r-1' });
    harness.surroundings.downSince = () => '2026-01-02T03:04:05.678Z';
    const gone = { outcome: 'unreachable' } as const;
    return await failing('connection_lost', gone)(job, call, context);
  });
  fal.isHealthy = false;
  fal.chargeOfStop = 'price';
  await harness.withProviders([fal], async () => {
    const handle = await harness.start(
      studio({ modelProvider: 'fal', modelId: 'fal-flux-dev', strict: true, unknownOutcome: 'hold' }),
    );
    await untilSlotIs(handle, 'waiting');
    await handle.cancel();
    await handle.result().catch(() => undefined);
    await writeHistory('studio-stopped', {
      workflowId: handle.workflowId,
      history: await handle.fetchHistory(),
    });
  });
  harness.resetSurroundings();
}

type StartedGeneration = Awaited<ReturnType<GenerationHarness['start']>>;

async function untilSlotIs(handle: StartedGeneration, status: SlotStatus): Promise<void> {
  await waitUntil(async () => {
    const { slots } = await handle.query<GenerationState>(progressQueryName);
    return slots[0]?.status === status;
  });
}

void main();
