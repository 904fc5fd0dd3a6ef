import type { GenerationState } from '../../src/domain/generation';
import { decideSlotUpdateName } from '../../src/domain/messages';
import { failing, FakeProvider, lost, picture } from '../support/fake-provider';
import { useHarness } from '../support/use-harness';
import { waitUntil } from '../support/wait-until';
import { baseImages, fluxLora, studio } from '../support/flow-requests';

const down = failing('outage', { message: 'connection refused' });

/** A server that calls a history long after 60 events, instead of 4,000. */
describe('an outage longer than one history', () => {
  const harness = useHarness({ dynamicConfig: ['limit.historyCount.suggestContinueAsNew=60'] });

  it('goes on in a new history and finishes by itself, with its trail, its cost and its start', async () => {
    let calls = 0;
    const modal = new FakeProvider('modal', (job, call, context) => {
      calls = call;
      return call <= 12 ? down(job, call, context) : Promise.resolve(picture(job));
    });
    await harness.withProviders([modal], async () => {
      const handle = await harness.start(studio({ useLora: true }, { lora: fluxLora }));
      const state: GenerationState = await handle.result();

      expect(state).toMatchObject({ status: 'completed', costUsd: 0.03252 });
      expect(state.slots[0]?.attempts.map(({ number }) => number)).toEqual(
        Array.from({ length: 13 }, (_, index) => index + 1),
      );
      const { runId, priority } = await harness.client.workflow.getHandle(handle.workflowId).describe();
      expect(runId).not.toBe(handle.firstExecutionRunId);
      expect([state.runs?.at(0), state.runs?.at(-1)]).toEqual([handle.firstExecutionRunId, runId]);
      // Its place among those that wait does not get worse by waiting long.
      expect(priority).toMatchObject({ priorityKey: 2, fairnessKey: 'default' });
      expect(calls).toBe(13);
      expect(new Set(modal.jobs.map(({ jobKey }) => jobKey)).size).toBe(1);
      expect(harness.saved.get(state.generationId)).toEqual(state);
    });
  });

  it('keeps the pictures made before it and resumes only what is missing', async () => {
    const fal = new FakeProvider('fal', (job, call, context) =>
      job.endpoint.includes('seedream') || call > 30
        ? Promise.resolve(picture(job))
        : down(job, call, context),
    );
    await harness.withProviders([new FakeProvider('modal', down), fal], async () => {
      const state: GenerationState = await (await harness.start(baseImages())).result();

      expect(state.status).toBe('completed');
      expect(fal.jobs.filter(({ endpoint }) => endpoint.includes('seedream'))).toHaveLength(2);
      expect(harness.recipes.filter(({ generationId }) => generationId === state.generationId)).toHaveLength(
        6,
      );
    });
  });

  it('can be cancelled while it waits', async () => {
    await harness.withProviders([new FakeProvider('modal', down)], async () => {
      const handle = await harness.start(studio({ useLora: true }, { lora: fluxLora }));
      const firstRun = handle.firstExecutionRunId;
      const latest = harness.client.workflow.getHandle(handle.workflowId);
      while ((await latest.describe()).runId === firstRun) await latest.query('progress');
      await latest.cancel();
      await expect(handle.result()).rejects.toThrow('cancelled');
      const { status, slots } = await latest.query<GenerationState>('progress');
      expect([status, slots[0]?.status]).toEqual(['cancelled', 'cancelled']);
    });
  });

  it('takes a question to a person along, and the answer', async () => {
    let isBack = false;
    const modal = new FakeProvider('modal', (job, call, context) => {
      if (isBack) return Promise.resolve(picture(job));
      return (job.jobKey.includes('slot-1') ? lost : down)(job, call, context);
    });
    await harness.withProviders([modal], async () => {
      const request = studio({ useLora: true, count: 2, unknownOutcome: 'hold' }, { lora: fluxLora });
      const handle = await harness.start(request);
      const latest = harness.client.workflow.getHandle(handle.workflowId);
      await waitUntil(async () => (await latest.describe()).runId !== handle.firstExecutionRunId);
      const { slots } = await latest.query<GenerationState>('progress');
      expect(slots[0]).toMatchObject({ status: 'needs_decision', decision: { provider: 'modal' } });

      isBack = true;
      await latest.executeUpdate(decideSlotUpdateName, { args: [{ slot: 1, decision: 'resubmit' }] });

      expect((await handle.result()).status).toBe('completed');
    });
  });

  it('counts the attempts that sent nothing instead of listing each', async () => {
    const modal = new FakeProvider('modal', (job, call, context) =>
      call <= 24 ? down(job, call, context) : Promise.resolve(picture(job)),
    );
    await harness.withProviders([modal], async () => {
      const handle = await harness.start(studio({ useLora: true }, { lora: fluxLora }));
      const { slots } = await handle.result();

      expect(slots[0]?.attempts).toHaveLength(21);
      expect(slots[0]?.attempts[0]).toMatchObject({ number: 1, repeats: 4 });
      expect(slots[0]?.attempts.at(-1)).toMatchObject({ number: 21, outcome: 'succeeded' });
    });
  }, 90_000);
});
