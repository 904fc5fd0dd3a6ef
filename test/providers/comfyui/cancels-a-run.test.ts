import { RecordingDispatch } from '../support/recording-dispatch';
import { ownId, usePodRig } from './pod-rig';
import { textJob } from './run-job';
import { failure, success } from './scripted-pod';

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
    expect(job.stopped).toEqual([{ kind: 'stopped', charge: 'none' }]);
  });

  it('interrupts its own run when that is the one that runs', async () => {
    const job = rig.start();
    rig.pod.begin(await rig.submitted());
    job.controller.abort(new Error('cancelled by the user'));
    await expect(job.result).rejects.toThrow('cancelled by the user');
    expect(rig.pod.interrupts).toEqual([ownId]);
    expect(job.stopped).toEqual([{ kind: 'stopped', charge: 'price' }]);
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
    const job = rig.start(textJob(), {
      dispatch: new RecordingDispatch({ phase: 'intent', clue: { promptId: ownId } }),
    });
    job.controller.abort(new Error('cancelled by the user'));
    await expect(job.result).rejects.toThrow('cancelled by the user');
    expect(rig.pod.interrupts).toEqual([ownId]);
  });

  it.each<[string, (() => void) | undefined, object]>([
    ['never came to the pod', undefined, { kind: 'never' }],
    ['came to it late', () => rig.pod.pending.push(ownId), { kind: 'never' }],
    [
      'had ended',
      () => rig.pod.history.set(ownId, success('made.png')),
      { kind: 'finished', handle: { promptId: ownId } },
    ],
    [
      'had been interrupted',
      () => rig.pod.history.set(ownId, failure('execution_interrupted')),
      { kind: 'stopped', charge: 'price' },
    ],
    [
      'had ended before the pod restarted',
      () => rig.pod.files.set(`ryla-${ownId}_00001_.png`, Buffer.from('x')),
      { kind: 'finished', handle: { promptId: ownId } },
    ],
    ['cannot be asked for', () => rig.pod.on('GET /queue', { status: 502 }), { kind: 'cannot_tell' }],
  ])('says what became of a run whose submit had no answer: it %s', async (_name, before, word) => {
    before?.();
    const lost = { phase: 'intent', clue: { promptId: ownId } } as const;
    const job = rig.start(textJob(), { dispatch: new RecordingDispatch(lost) });
    job.controller.abort(new Error('cancelled by the user'));
    await expect(job.result).rejects.toThrow('cancelled by the user');
    expect(job.stopped).toMatchObject([word]);
    expect(rig.pod.pending).toEqual([]);
  });

  it('takes a submit out that the pod read only while it was looked for', async () => {
    rig.pod.on('GET /history', (_request, response) => {
      response.end('{}');
      rig.pod.restore('GET /history');
      rig.pod.pending.push(ownId);
    });
    const lost = { phase: 'intent', clue: { promptId: ownId } } as const;
    const job = rig.start(textJob(), { dispatch: new RecordingDispatch(lost) });
    job.controller.abort(new Error('cancelled by the user'));
    await expect(job.result).rejects.toThrow('cancelled by the user');
    expect(job.stopped).toEqual([{ kind: 'never' }]);
    expect(rig.pod.pending).toEqual([]);
  });

  it('touches nothing on the pod when nothing was submitted', async () => {
    const job = rig.start();
    job.controller.abort(new Error('cancelled by the user'));
    await expect(job.result).rejects.toThrow('cancelled by the user');
    expect(rig.pod.requests.filter((request) => request.startsWith('POST'))).toEqual([]);
  });
});
