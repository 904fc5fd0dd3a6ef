import { MockActivityEnvironment } from '@temporalio/testing';
import { createSettleJob } from '../../src/activities/settle-job';
import type { Stopped } from '../../src/providers/types';
import { failing, FakeProvider, picture, type Answer } from '../support/fake-provider';
import { candidate, health } from './call-input';

const accepted = { phase: 'accepted', handle: { requestId: 'r1' } } as const;
const handle = { requestId: 'r1' };
const ok: Answer = (job) => Promise.resolve(picture(job, 0.013));

/** What a clean-up learns of a job that its provider answers so. */
async function settle(stopped: Stopped, answer: Answer = ok) {
  const modal = new FakeProvider('modal', answer);
  modal.answerToStop = stopped;
  const media = () => ({
    open: () => Promise.reject(new Error('no inputs')),
    save: () => Promise.reject(new Error('the fake saves nothing')),
  });
  const settleJob = createSettleJob({ clients: { modal }, media, health });
  return await new MockActivityEnvironment().run(settleJob, {
    ...{ candidate, jobKey: 'g/slot-1/m', dispatch: accepted },
  });
}

describe('settling a job that nobody waits for', () => {
  it.each<[string, Stopped]>([
    ['had ended before it could be stopped', { kind: 'finished', handle }],
    ['cannot be stopped', { kind: 'unstoppable', handle }],
    ['was told to stop too late', { kind: 'stopped', charge: 'price', handle }],
  ])('keeps the picture of one that %s, and books what it cost', async (_what, stopped) => {
    const { settlement } = (await settle(stopped)) as { settlement: object };
    expect(settlement).toMatchObject({ certainty: 'accepted', costUsd: 0.013, costEstimated: false });
    expect(settlement).toHaveProperty('asset.assetId');
  });

  it.each<[string, Stopped]>([
    ['cannot be stopped while it runs', { kind: 'unstoppable', handle }],
    ['was told to stop and cannot be asked what it came to', { kind: 'stopped', charge: 'price', handle }],
  ])('goes on asking for one that %s', async (_what, stopped) => {
    const running = failing('no_answer', { outcome: 'unreachable' });
    expect(await settle(stopped, running)).toMatchObject({ kind: 'unsettled' });
  });

  it('books the price of one that was told to stop and did', async () => {
    const did = failing('request_cancelled', { outcome: 'ended_billed' });
    expect(await settle({ kind: 'stopped', charge: 'price', handle }, did)).toMatchObject({
      ...{ kind: 'settled', settlement: { costUsd: candidate.priceUsd, costEstimated: true } },
    });
  });

  it('books nothing for one that was never accepted', async () => {
    expect(await settle({ kind: 'never' })).toMatchObject({
      settlement: { certainty: 'not_sent', costUsd: 0, costEstimated: false },
    });
  });
});
