import { RecordingDispatch } from '../support/recording-dispatch';
import { ownId, usePodRig } from './pod-rig';
import { textJob } from './run-job';

const rig = usePodRig();

describe('a cancelled call', () => {
  it('takes its pending run out of the queue and interrupts nobody', async () => {
    rig.pod.running = ['someone-else'];
    const job = rig.start();
    await rig.submitted();
    job.controller.abort(new Error('cancelled by the user'));
    await expect(job.result).rejects.toThrow('cancelled by the user');
    expect(rig.pod.pending).toEqual([]);
    expect(rig.pod.interrupts).toEqual([]);
  });

  it('interrupts its own run when that is the one that runs', async () => {
    const job = rig.start();
    rig.pod.begin(await rig.submitted());
    job.controller.abort(new Error('cancelled by the user'));
    await expect(job.result).rejects.toThrow('cancelled by the user');
    expect(rig.pod.interrupts).toEqual([ownId]);
  });

  it('does not cut the submit off, and takes out what it queued', async () => {
    let submittedBody: Buffer | undefined;
    let respond: () => void = () => undefined;
    rig.pod.on('POST /prompt', (_request, response, body) => {
      submittedBody = body;
      respond = () => {
        rig.pod.pending.push(ownId);
        response.end(JSON.stringify({ prompt_id: ownId, number: 1, node_errors: {} }));
      };
    });
    const job = rig.start();
    await rig.pod.reached(() => submittedBody !== undefined);
    job.controller.abort(new Error('cancelled by the user'));
    respond();
    await expect(job.result).rejects.toThrow('cancelled by the user');
    expect(rig.pod.pending).toEqual([]);
  });

  it('stops the run of an earlier call too, even when it comes before the first look', async () => {
    rig.pod.running = [ownId];
    const job = rig.start(textJob(), { dispatch: new RecordingDispatch({ phase: 'intent', clue: { promptId: ownId } }) });
    job.controller.abort(new Error('cancelled by the user'));
    await expect(job.result).rejects.toThrow('cancelled by the user');
    expect(rig.pod.interrupts).toEqual([ownId]);
  });

  it('touches nothing on the pod when nothing was submitted', async () => {
    const job = rig.start();
    job.controller.abort(new Error('cancelled by the user'));
    await expect(job.result).rejects.toThrow('cancelled by the user');
    expect(rig.pod.requests.filter((request) => request.startsWith('POST'))).toEqual([]);
  });
});
