import { MockActivityEnvironment } from '@temporalio/testing';
import { createCheckProvider, createWakeJobs } from '../../src/activities/watches';
import { FakeProvider } from '../support/fake-provider';

const modal = { provider: 'modal' } as const;
const fal = { provider: 'fal' } as const;
const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `job-${index + 1}`);

describe('waking jobs', () => {
  it('signals at most twenty at a time', async () => {
    let [current, most] = [0, 0];
    const wakeJobs = createWakeJobs({
      wake: async () => {
        current += 1;
        most = Math.max(most, current);
        await new Promise(setImmediate);
        current -= 1;
      },
    });
    await new MockActivityEnvironment().run(wakeJobs, { ...modal, workflowIds: ids(100) });
    expect(most).toBe(20);
  });

  it('names the jobs it could not reach, and reaches the others', async () => {
    const reached: string[] = [];
    const wakeJobs = createWakeJobs({
      wake: (_provider, id) =>
        ['job-3', 'job-30'].includes(id)
          ? Promise.reject(new Error('Temporal is away'))
          : Promise.resolve(void reached.push(id)),
    });
    const environment = new MockActivityEnvironment();
    const result = await environment.run(wakeJobs, { ...modal, workflowIds: ids(50) });
    expect(result).toEqual({ missed: ['job-3', 'job-30'] });
    expect(reached).toHaveLength(48);
  });

  it('goes on behind the last group that was told when its worker was lost', async () => {
    const reached: string[] = [];
    const wakeJobs = createWakeJobs({ wake: (_provider, id) => Promise.resolve(void reached.push(id)) });
    const environment = new MockActivityEnvironment({ heartbeatDetails: { count: 40, missed: ['job-7'] } });
    const result = await environment.run(wakeJobs, { ...modal, workflowIds: ids(50) });
    expect(reached).toEqual(ids(50).slice(40));
    expect(result).toEqual({ missed: ['job-7'] });
  });
});

describe('a probe', () => {
  it('says what the health route says', async () => {
    const checkProvider = createCheckProvider({ fal: new FakeProvider('fal') });
    const answer = await new MockActivityEnvironment().run(checkProvider, fal);
    expect(answer).toEqual({ healthy: true, detail: 'fake' });
  });

  it('of a provider that this worker has no credential for finds nothing', async () => {
    const answer = await new MockActivityEnvironment().run(createCheckProvider({}), fal);
    expect(answer).toEqual({ healthy: false, detail: 'fal is disabled on this worker' });
  });
});
