import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { workflowBundle } from '../support/workflow-bundle';
import { readHistories } from './history-file';

beforeAll(() => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
});

describe('runs that were started by an earlier version', () => {
  it('go on unchanged under this one', async () => {
    const histories = await readHistories();
    const failures: string[] = [];
    let replayed = 0;
    for await (const { workflowId, error } of Worker.runReplayHistories(
      { workflowBundle: workflowBundle() },
      [...histories.values()],
    )) {
      replayed += 1;
      if (error !== undefined) failures.push(`${workflowId}: ${error.message}`);
    }

    expect(failures).toEqual([]);
    expect(replayed).toBe(histories.size);
    expect([...histories.keys()]).toEqual(
      expect.arrayContaining([
        'base-images-completed',
        'profile-pictures-completed',
        'studio-completed',
        'studio-waiting',
      ]),
    );
  });
});
