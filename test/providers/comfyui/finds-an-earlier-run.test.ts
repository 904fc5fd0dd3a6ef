import type { ServerResponse } from 'node:http';
import { blankPicture, picture } from '../../assets/pictures';
import { RecordingDispatch } from '../support/recording-dispatch';
import { ownId, usePodRig } from './pod-rig';
import { textJob } from './run-job';
import { failure, success } from './scripted-pod';

const rig = usePodRig();
const lostSubmit = { phase: 'intent', clue: { promptId: ownId } } as const;
const anyTime: unknown = expect.stringMatching(/^\d{4}-.*Z$/);

describe('a call that comes after another', () => {
  it.each([
    ['the first left only its intent', lostSubmit],
    ['the first left nothing at all', { phase: 'none' } as const],
    ['the first left the handle', { phase: 'accepted', handle: { promptId: ownId } } as const],
  ])('picks up a run that is still queued when %s', async (_name, previous) => {
    rig.pod.pending = [ownId];
    const job = rig.start(textJob(), { dispatch: new RecordingDispatch(previous) });
    await rig.pod.reached(() => rig.pod.count('GET /queue') >= 2);
    rig.pod.end(ownId);
    await expect(job.result).resolves.toMatchObject({ providerRequestId: ownId });
    expect(rig.pod.submits).toEqual([]);
    expect(job.dispatch.notes).toEqual([{ accepted: { promptId: ownId, queuedSince: anyTime } }]);
  });

  it('collects a run that has finished meanwhile, without a submit', async () => {
    rig.pod.history.set(ownId, success('made.png'));
    await expect(rig.start().result).resolves.toMatchObject({ providerRequestId: ownId });
    expect(rig.pod.submits).toEqual([]);
  });

  it.each([
    ['failed', failure('execution_error', { exception_type: 'ValueError' }), 'execution_failed'],
    [
      'made nothing',
      { outputs: {}, status: { status_str: 'success', completed: true, messages: [] } },
      'no_output',
    ],
  ])('ends as the run did that %s, and submits nothing', async (_name, entry, code) => {
    rig.pod.history.set(ownId, entry);
    await expect(rig.start().result).rejects.toMatchObject({ code, certainty: 'accepted', endsJob: true });
    expect(rig.pod.submits).toEqual([]);
  });

  it('submits the job once the pod has said that it does not know the intent of the first', async () => {
    const look = rig.start(textJob(), { dispatch: new RecordingDispatch(lostSubmit) });
    await expect(look.result).rejects.toMatchObject({ code: 'never_accepted', certainty: 'not_sent' });
    expect(rig.pod.submits).toEqual([]);
    const job = rig.start(textJob(), { dispatch: new RecordingDispatch(look.dispatch.state) });
    rig.pod.end(await rig.submitted());
    await expect(job.result).resolves.toMatchObject({ providerRequestId: ownId });
    expect(job.dispatch.notes).toEqual(['intent', { accepted: { promptId: ownId, queuedSince: anyTime } }]);
  });

  it('finds a submit that the pod read only while it was looked for', async () => {
    const looks = rig.pod.count('GET /history');
    rig.pod.on('GET /history', (_request, response) => {
      response.end('{}');
      rig.pod.pending = [ownId];
    });
    const job = rig.start(textJob(), { dispatch: new RecordingDispatch(lostSubmit) });
    await rig.pod.reached(() => rig.pod.count('GET /history') > looks);
    rig.pod.restore('GET /history');
    await job.dispatch.reached('accepted');
    rig.pod.end(ownId);
    await expect(job.result).resolves.toMatchObject({ providerRequestId: ownId });
    expect(rig.pod.submits).toEqual([]);
  });

  it('never submits a job again that the pod took and lost', async () => {
    await expect(rig.start(textJob(), accepted()).result).rejects.toMatchObject({
      code: 'run_vanished',
      certainty: 'accepted',
      endsJob: true,
    });
    expect(rig.pod.submits).toEqual([]);
  });

  describe('when the pod restarted and has only the file', () => {
    const fileName = `ryla-${ownId}_00001_.png`;
    const previous = [lostSubmit, { phase: 'accepted', handle: { promptId: ownId } }] as const;

    it.each(previous)('collects what the run had made: %j', async (earlier) => {
      rig.pod.files.set(fileName, await picture('png'));
      const job = rig.start(textJob(), { dispatch: new RecordingDispatch(earlier) });
      await expect(job.result).resolves.toMatchObject({ providerRequestId: ownId });
      expect(rig.pod.submits).toEqual([]);
      expect(job.dispatch.state).toEqual({ phase: 'accepted', handle: { promptId: ownId } });
    });

    it('collects it also when the pod forgets the run while it is waited for', async () => {
      rig.pod.running = [ownId];
      const job = rig.start(textJob(), accepted());
      await rig.pod.reached(() => rig.pod.count('GET /queue') >= 1);
      rig.pod.files.set(fileName, await picture('png'));
      rig.pod.running = [];
      await expect(job.result).resolves.toMatchObject({ providerRequestId: ownId });
      expect(rig.pod.submits).toEqual([]);
    });

    it.each([
      { status: 502 },
      { status: 500 },
      { status: 404, body: '<html>', headers: { 'content-type': 'text/html' } },
    ])('keeps asking while the pod cannot say whether the file is there: %j', async (answer) => {
      rig.pod.on('GET /view', answer);
      const failure = await rig.start(textJob(), accepted()).result.catch((error: unknown) => error);
      expect(failure).toMatchObject({ certainty: 'accepted', endsJob: false });
      const doubt = rig.start(textJob(), { dispatch: new RecordingDispatch(lostSubmit) });
      await expect(doubt.result).rejects.toMatchObject({ certainty: 'not_sent' });
      expect(rig.pod.submits).toEqual([]);
    });

    it.each<[string, (whole: Buffer) => Buffer, string]>([
      ['half of it', (whole) => whole.subarray(0, whole.length / 2), 'media_truncated'],
      ['nothing of it yet', () => Buffer.alloc(0), 'media_truncated'],
      ['zeros', (whole) => Buffer.alloc(whole.length), 'media_truncated'],
    ])('takes it for lost when the pod died while it saved the picture: %s', async (_name, left, code) => {
      rig.pod.files.set(fileName, left(await picture('png')));
      const first = rig.start(textJob(), accepted());
      await expect(first.result).rejects.toMatchObject({ code, certainty: 'accepted', endsJob: false });
      const second = rig.start(textJob(), { dispatch: new RecordingDispatch(first.dispatch.state) });
      await expect(second.result).rejects.toMatchObject({
        failureClass: 'transient',
        code: 'run_vanished',
        endsJob: true,
        charge: undefined,
      });
      expect(rig.pod.submits).toEqual([]);
    });

    it('does not take a whole picture of no use for lost', async () => {
      rig.pod.files.set(fileName, await blankPicture('black'));
      const job = rig.start(textJob(), accepted());
      await expect(job.result).rejects.toMatchObject({ code: 'media_blank', endsJob: true });
    });

    it('does not look for files of a run that was never submitted', async () => {
      const job = rig.start();
      rig.pod.end(await rig.submitted());
      await job.result;
      expect(rig.pod.requests.indexOf('GET /view')).toBeGreaterThan(rig.pod.requests.indexOf('POST /prompt'));
    });
  });

  it('counts the time in the queue from the submit, not from when the run was picked up again', async () => {
    rig.pod.pending = [ownId];
    const queuedSince = new Date(Date.now() - 60_000).toISOString();
    const handle = { promptId: ownId, queuedSince };
    const job = (queueSeconds: number) =>
      rig.start(textJob({ deadlines: { queueSeconds } }), {
        dispatch: new RecordingDispatch({ phase: 'accepted', handle }),
      });
    const patient = job(90);
    await patient.progressed(({ phase }) => phase === 'queued');
    expect(patient.dispatch.state).toEqual({ phase: 'accepted', handle });
    await expect(job(50).result).rejects.toMatchObject({
      code: 'queue_timeout',
      certainty: 'accepted',
      charge: 'none',
    });
    await expect(patient.result).rejects.toMatchObject({ code: 'run_vanished' });
  });

  it('keeps the way back to an accepted run while the pod cannot be asked', async () => {
    rig.pod.running = [ownId];
    rig.pod.on('GET /queue', { status: 502 });
    await expect(rig.start(textJob(), accepted()).result).rejects.toMatchObject({
      code: 'pod_unavailable',
      certainty: 'accepted',
      endsJob: false,
    });
  });

  it.each<[string, Parameters<typeof rig.pod.on>[1], string]>([
    ['is gone', { status: 404, body: '' }, 'media_unavailable'],
    ['has a name the server refuses', { status: 400, body: '' }, 'media_unavailable'],
    ['lies outside of its folder', { status: 403, body: '' }, 'media_unavailable'],
    ['cannot be read', { status: 500, body: '500 Internal Server Error' }, 'media_unavailable'],
    ['came cut short', (_request, response) => response.end(half()), 'media_truncated'],
    ['never comes', () => undefined, 'media_unavailable'],
  ])('gives a finished run up when its picture %s twice', async (_name, answer, code) => {
    rig.pod.history.set(ownId, success('made.png'));
    rig.pod.on('GET /view', answer);
    const job = textJob({ deadlines: { firstByteSeconds: 0.5, idleSeconds: 0.5 } });
    const first = rig.start(job);
    await expect(first.result).rejects.toMatchObject({ code, certainty: 'accepted', endsJob: false });
    const second = rig.start(job, { dispatch: new RecordingDispatch(first.dispatch.state) });
    await expect(second.result).rejects.toMatchObject({ code, certainty: 'accepted', endsJob: true });
    expect(rig.pod.submits).toEqual([]);
  });

  it('does not hold a freeze of the pod against its picture', async () => {
    rig.pod.history.set(ownId, success('made.png'));
    const job = textJob({ deadlines: { firstByteSeconds: 0.5 } });
    const handle = { promptId: ownId, brokenReads: 1 };
    rig.pod.on('GET /view', () => {
      rig.pod.on('GET /queue', () => undefined);
    });
    const call = rig.start(job, { dispatch: new RecordingDispatch({ phase: 'accepted', handle }) });
    await expect(call.result).rejects.toMatchObject({ code: 'pod_silent', endsJob: false });
    expect(call.dispatch.state).toEqual({ phase: 'accepted', handle });
  });

  it.each<[string, Parameters<typeof rig.pod.on>[1]]>([
    ['a gateway answers', { status: 502 }],
    ['a page comes', { status: 500, body: '<html>', headers: { 'content-type': 'text/html' } }],
    ['a page is not found', { status: 404, body: 'no such pod' }],
    ['it is overloaded', { status: 429 }],
    ['no picture comes', { status: 200, body: 'RIFF' }],
    ['nothing comes', { status: 200, body: '' }],
    ['the picture broke off', (_request, response) => breakOff(response)],
    ['the picture stops coming', (_request, response) => response.write(half())],
  ])('reads a finished run again however often %s', async (_name, answer) => {
    rig.pod.history.set(ownId, success('made.png'));
    rig.pod.on('GET /view', answer);
    const job = textJob({ deadlines: { firstByteSeconds: 0.5, idleSeconds: 0.5 } });
    let { state } = new RecordingDispatch();
    while (rig.pod.count('GET /view') < 3) {
      const call = rig.start(job, { dispatch: new RecordingDispatch(state) });
      await expect(call.result).rejects.toMatchObject({ certainty: 'accepted', endsJob: false });
      ({ state } = call.dispatch);
    }
    rig.pod.restore('GET /view');
    const last = rig.start(job, { dispatch: new RecordingDispatch(state) });
    await expect(last.result).resolves.toMatchObject({ providerRequestId: ownId });
  });
});

function half(): Buffer {
  const picture = rig.pod.files.get('made.png') ?? Buffer.alloc(0);
  return picture.subarray(0, picture.length / 2);
}

function breakOff(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': '1000000' });
  response.write(half(), () => response.socket?.resetAndDestroy());
}

function accepted() {
  return { dispatch: new RecordingDispatch({ phase: 'accepted', handle: { promptId: ownId } }) };
}
