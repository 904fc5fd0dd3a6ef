import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { failing, FakeProvider, picture } from '../support/fake-provider';
import { fluxLora, studio } from '../support/flow-requests';
import { openHarness, type GenerationHarness } from '../support/generation-harness';
import { startTimeSkippingServer } from '../support/time-skipping';

const hour = 3600 * 1000;

let environment: TestWorkflowEnvironment;
let harness: GenerationHarness;
/** One server a test: what an earlier test left running would hold its clock. */
beforeEach(async () => {
  environment = await startTimeSkippingServer();
  const { address, namespace = 'default', client } = environment;
  harness = await openHarness({ address, namespace, client });
}, 120_000);
afterEach(async () => {
  await harness.close();
  await environment.teardown();
});

/** A provider that is out for these hours, as its watch and the gate in front of it see it. */
async function outFor(hours: number): Promise<{ modal: FakeProvider; backAt: number }> {
  const since = await environment.currentTimeMs();
  const backAt = since + hours * hour;
  const modal = new FakeProvider('modal');
  let isDown = true;
  modal.checkHealth = async () => {
    isDown = (await environment.currentTimeMs()) < backAt;
    return { healthy: !isDown, detail: 'fake' };
  };
  harness.surroundings.downSince = (provider) =>
    provider === 'modal' && isDown ? new Date(since).toISOString() : undefined;
  return { modal, backAt };
}

describe('a generation in an outage of hours', () => {
  it('waits, is woken by the watch, and finishes by itself soon after, paid once', async () => {
    const { modal, backAt } = await outFor(5);
    await harness.withProviders([modal], async () => {
      const handle = await harness.start(studio({ useLora: true }, { lora: fluxLora }));
      const { status, slots, finishedAt } = await handle.result();

      expect(status).toBe('completed');
      expect(modal.jobs).toHaveLength(1);
      const lateMs = Date.parse(finishedAt!) - backAt;
      expect(lateMs).toBeGreaterThan(0);
      // The longest pause between two probes, the moment until every worker knows, and the call.
      expect(lateMs).toBeLessThan(60_000);
      const unsent = slots[0]!.attempts.filter(({ certainty }) => certainty === 'not_sent');
      expect(unsent.every(({ errorCode }) => errorCode === 'provider_down')).toBe(true);
    });
  }, 240_000);
});

describe('a job that its provider never speaks of again', () => {
  it('counts as paid after eight days, so that the workflow ends and nothing stays at risk', async () => {
    const modal = new FakeProvider('modal', async (job, call, context) => {
      if (context.dispatch.previous.phase === 'none') {
        await context.dispatch.intent();
        await context.dispatch.accepted({ key: job.jobKey });
      }
      return await failing('connection_refused', { outcome: 'unreachable' })(job, call, context);
    });
    modal.leavesClue = true;
    const fal = new FakeProvider('fal', (job) => Promise.resolve(picture(job, 0.03)));
    const startedAt = await environment.currentTimeMs();
    await harness.withProviders([modal, fal], async () => {
      const handle = await harness.start(studio());
      const { status, costUsd, costEstimated, atRiskUsd, unsettledJobs } = await handle.result();

      const { closeTime } = await handle.describe();
      const days = ((closeTime?.getTime() ?? 0) - startedAt) / (24 * hour);
      expect(days).toBeGreaterThan(8);
      expect(days).toBeLessThan(8.1);
      // Fal's picture, and Modal's by the price table.
      expect({ status, costUsd, costEstimated }).toEqual({
        ...{ status: 'completed', costUsd: 0.03 + 0.020054, costEstimated: true },
      });
      expect({ atRiskUsd, unsettledJobs }).toEqual({ atRiskUsd: 0, unsettledJobs: undefined });
    });
  }, 240_000);
});
