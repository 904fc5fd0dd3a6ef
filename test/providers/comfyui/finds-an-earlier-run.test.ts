import { promptIdOf } from '../../../src/providers/comfyui/prompt-id';
import { RecordingDispatch } from '../support/recording-dispatch';
import { firstId, secondId, usePodRig } from './pod-rig';
import { textJob } from './run-job';
import { failure, success } from './scripted-pod';

const rig = usePodRig();

describe('a call that comes after another', () => {
  it.each([
    ['the first left only its intent', { phase: 'intent' } as const],
    ['the first left nothing at all', { phase: 'none' } as const],
    ['the first left the handle', { phase: 'accepted', handle: { promptId: firstId, run: 1 } } as const],
  ])('picks up a run that is still queued when %s', async (_name, previous) => {
    rig.pod.pending = [firstId];
    const job = rig.start(textJob(), { dispatch: new RecordingDispatch(previous) });
    await rig.pod.reached(() => rig.pod.count('GET /queue') >= 2);
    rig.pod.end(firstId);
    await expect(job.result).resolves.toMatchObject({ providerRequestId: firstId });
    expect(rig.pod.submits).toEqual([]);
    expect(job.dispatch.notes).toEqual([{ accepted: { promptId: firstId, run: 1 } }]);
  });

  it('collects a run that has finished meanwhile, without a submit', async () => {
    rig.pod.history.set(firstId, success('made.png'));
    await expect(rig.start().result).resolves.toMatchObject({ providerRequestId: firstId });
    expect(rig.pod.submits).toEqual([]);
  });

  it('does not take the error of an earlier run for its own, and runs under the next id', async () => {
    rig.pod.history.set(firstId, failure('execution_error', { exception_type: 'ValueError' }));
    const job = rig.start();
    expect(await rig.submitted()).toBe(secondId);
    rig.pod.end(secondId);
    await expect(job.result).resolves.toMatchObject({ providerRequestId: secondId });
    expect(job.dispatch.state).toEqual({ phase: 'accepted', handle: { promptId: secondId, run: 2 } });
  });

  it('runs anew when the earlier run succeeded without a picture', async () => {
    rig.pod.history.set(firstId, {
      outputs: {},
      status: { status_str: 'success', completed: true, messages: [] },
    });
    const job = rig.start();
    rig.pod.end(await rig.submitted());
    await expect(job.result).resolves.toMatchObject({ providerRequestId: secondId });
  });

  it('finds the recorded run though the pod has dropped the failed one before it', async () => {
    rig.pod.running = [secondId];
    const previous = { phase: 'accepted', handle: { promptId: secondId, run: 2 } } as const;
    const job = rig.start(textJob(), { dispatch: new RecordingDispatch(previous) });
    await rig.pod.reached(() => rig.pod.count('GET /queue') >= 2);
    rig.pod.end(secondId);
    await expect(job.result).resolves.toMatchObject({ providerRequestId: secondId });
    expect(rig.pod.submits).toEqual([]);
  });

  it('submits again when the pod has lost the recorded run', async () => {
    const previous = { phase: 'accepted', handle: { promptId: firstId, run: 1 } } as const;
    const job = rig.start(textJob(), { dispatch: new RecordingDispatch(previous) });
    rig.pod.end(await rig.submitted());
    await expect(job.result).resolves.toMatchObject({ providerRequestId: firstId });
    expect(rig.pod.submits).toHaveLength(1);
  });

  it('gives up on a pod that failed the job twenty times', async () => {
    for (let run = 1; run <= 20; run += 1) {
      rig.pod.history.set(promptIdOf('generation-1/slot-1/1', run), failure('execution_error'));
    }
    await expect(rig.start().result).rejects.toMatchObject({
      failureClass: 'outage',
      code: 'too_many_failed_runs',
    });
    expect(rig.pod.submits).toEqual([]);
  });
});
