import { matchJobs } from '../../proof/chaos/analysis/match-jobs';
import { countPeer } from '../../proof/peers/count-peer';
import { job, slot, work } from './evidence';

function counts(status: string, jobs: Parameters<typeof matchJobs>[1], assetProblem?: string) {
  const slots = [slot({ status, attempts: [], assetProblem })];
  return countPeer(matchJobs([work({ slots })], jobs).slots);
}

describe('the count of a peer', () => {
  it('takes a job the peer forgot for lost, and its money for wasted', () => {
    expect(counts('lost', [job()])).toMatchObject({ lost: 1, delivered: 0, duplicates: 0, wastedUsd: 0.02 });
  });

  it('takes a picture that shows nothing for lost', () => {
    expect(counts('completed', [job()], 'the picture shows nothing')).toMatchObject({
      lost: 1,
      delivered: 0,
    });
  });

  it('counts a second job as paid twice only when the first had not failed at the provider', () => {
    const second = job({ n: 2 });
    expect(counts('completed', [job(), second])).toMatchObject({ paid: 2, duplicates: 1, wastedUsd: 0.02 });
    expect(counts('completed', [job({ outcome: 'failed' }), second])).toMatchObject({ duplicates: 0 });
  });

  it('tells a job that failed with an error, and one that never ended', () => {
    expect(counts('failed', [])).toMatchObject({ failed: 1, lost: 0, stuck: 0 });
    expect(counts('running', [])).toMatchObject({ failed: 0, lost: 0, stuck: 1 });
  });
});
