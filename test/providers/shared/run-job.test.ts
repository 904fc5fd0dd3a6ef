import { runJob } from '../../../src/providers/run-job';
import { FakeProvider, hanging, type Answer } from '../../support/fake-provider';
import { providerErrorOf, testCall, testDeadlines, testJob } from '../support/call';

const accepted: Answer = async (job, call, context) => {
  await context.dispatch.intent();
  await context.dispatch.accepted({ request: 'r-1' });
  return await hanging(job, call, context);
};

describe('a job that goes on although it was told to stop', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('is waited for a moment, and then left open: it may still make its picture', async () => {
    const fal = new FakeProvider('fal', accepted);
    fal.answerToStop = { kind: 'stopped', charge: 'price', handle: { request: 'r-1' } };
    const job = testJob({ endpoint: 'e', deadlines: { ...testDeadlines, totalSeconds: 5 } });

    const failing = providerErrorOf(runJob(fal, job, testCall().context));
    await jest.advanceTimersByTimeAsync(30_000);

    expect(await failing).toMatchObject({ code: 'deadline_exceeded', endsJob: false });
    expect(fal.stopped).toHaveLength(1);
  });
});
