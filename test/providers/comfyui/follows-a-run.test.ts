import { picture } from '../../assets/pictures';
import { RecordingDispatch } from '../support/recording-dispatch';
import { MemoryMediaStore } from '../support/memory-media-store';
import { ownId, usePodRig } from './pod-rig';
import { textJob } from './run-job';
import { success } from './scripted-pod';

const rig = usePodRig();

describe('a run on the pod', () => {
  it('is submitted under our own id, followed, and its picture stored', async () => {
    const job = rig.start();
    const promptId = await rig.submitted();
    expect(promptId).toBe(ownId);
    expect(rig.pod.submits[0]?.client_id).toBe(ownId);
    await rig.pod.listening(promptId);
    rig.pod.begin(promptId);
    rig.pod.tell(promptId, 'progress', { value: 5, max: 20, prompt_id: promptId, node: '5' });
    await job.progressed(({ fraction }) => fraction === 0.25);
    rig.pod.end(promptId);

    const result = await job.result;

    expect(result).toMatchObject({ providerRequestId: ownId, executionSeconds: 4.5 });
    expect(result.assets).toHaveLength(1);
    expect(result.assets[0]).toMatchObject({ mediaType: 'image/png', width: 96, height: 64 });
    const queuedSince = expect.any(String) as unknown;
    expect(job.dispatch.notes).toEqual(['intent', { accepted: { promptId: ownId, queuedSince } }]);
    expect(job.dispatch.providerRequestId).toBe(ownId);
    expect(job.progress.at(-1)).toEqual({ phase: 'downloading' });
  });

  it('notes the intent before the submit leaves', async () => {
    const dispatch = new RecordingDispatch();
    let noted: unknown;
    rig.pod.on('POST /prompt', (_request, response) => {
      noted = [...dispatch.notes];
      response.writeHead(400).end(JSON.stringify({ error: { type: 'no_prompt' }, node_errors: [] }));
    });
    await expect(rig.start(textJob(), { dispatch }).result).rejects.toMatchObject({ failureClass: 'input' });
    expect(noted).toEqual(['intent']);
  });

  it('sends no Origin, which the server would compare with its own host', async () => {
    const job = rig.start();
    rig.pod.end(await rig.submitted());
    await job.result;
    expect(rig.pod.headers.filter((headers) => headers.origin !== undefined)).toEqual([]);
  });

  it('tells how many jobs are ahead while it waits', async () => {
    rig.pod.running = ['someone'];
    rig.pod.pending = ['else'];
    const job = rig.start();
    await rig.submitted();
    await job.progressed(({ phase, queuePosition }) => phase === 'queued' && queuePosition === 2);
    rig.pod.end(ownId);
    await job.result;
  });

  it('is followed through the history alone when the pod offers no websocket', async () => {
    await rig.replacePod({ websocket: false });
    const job = rig.start();
    rig.pod.end(await rig.submitted());
    await expect(job.result).resolves.toMatchObject({ providerRequestId: ownId });
  });

  it('is followed through the history when the websocket dies', async () => {
    const job = rig.start();
    const promptId = await rig.submitted();
    rig.pod.begin(promptId);
    rig.pod.cutSockets();
    rig.pod.end(promptId);
    await expect(job.result).resolves.toMatchObject({ providerRequestId: ownId });
  });

  it('survives a few failed looks in a row', async () => {
    const job = rig.start();
    const promptId = await rig.submitted();
    rig.pod.on('GET /queue', {
      status: 502,
      body: '<html>bad gateway</html>',
      headers: { 'content-type': 'text/html' },
    });
    const before = rig.pod.count('GET /queue');
    await rig.pod.reached(() => rig.pod.count('GET /queue') >= before + 2);
    rig.pod.restore('GET /queue');
    rig.pod.end(promptId);
    await expect(job.result).resolves.toMatchObject({ providerRequestId: ownId });
  });

  it('is shown as silent while a look has no answer, and no longer once it has one', async () => {
    const job = rig.start(textJob({ deadlines: { firstByteSeconds: 4 } }));
    rig.pod.begin(await rig.submitted());
    await job.progressed(({ phase }) => phase === 'running');
    let answer: () => void = () => undefined;
    rig.pod.on('GET /queue', (_request, response) => {
      answer = () => response.end(JSON.stringify({ queue_running: [[0, ownId]], queue_pending: [] }));
    });
    await job.progressed(({ silentSince }) => silentSince !== undefined);
    rig.pod.restore('GET /queue');
    answer();
    rig.pod.end(ownId);
    await job.result;
    const silentSince = expect.any(String) as unknown;
    expect(job.progress.slice(-4)).toEqual([
      { phase: 'running' },
      { phase: 'running', silentSince },
      { phase: 'running' },
      { phase: 'downloading' },
    ]);
  });

  it('stores every picture of the output node, and neither previews nor nameless entries', async () => {
    rig.pod.files.set('second.png', await picture('png', { seed: 2 }));
    const job = rig.start();
    const more = [
      { filename: 'preview.png', subfolder: '', type: 'temp' },
      { subfolder: '', type: 'output' },
      { filename: '', type: 'output' },
      { filename: 'second.png', subfolder: '', type: 'output' },
    ];
    rig.pod.end(await rig.submitted(), success('made.png', more));
    expect((await job.result).assets).toHaveLength(2);
  });

  it('goes on under the id an old server chose instead of ours', async () => {
    rig.pod.on('POST /prompt', (_request, response) => {
      rig.pod.pending.push('its-own-id');
      response.end(JSON.stringify({ prompt_id: 'its-own-id', number: 1, node_errors: {} }));
    });
    const job = rig.start();
    await rig.pod.reached(() => rig.pod.pending.includes('its-own-id'));
    rig.pod.end('its-own-id');
    await expect(job.result).resolves.toMatchObject({ providerRequestId: 'its-own-id' });
    expect(job.dispatch.state).toMatchObject({ phase: 'accepted', handle: { promptId: 'its-own-id' } });
  });

  it('uploads an input picture under the name of its content and loads it by the name the pod gave it', async () => {
    rig.pod.on('POST /upload/image', (_request, response, body) => {
      rig.pod.uploads.push(body.toString('latin1'));
      response.end(JSON.stringify({ name: 'x (1).png', subfolder: 'faces', type: 'input' }));
    });
    const media = new MemoryMediaStore();
    const content = await picture('png');
    const assetId = media.add(content, 'image/png');
    const job = rig.start(
      textJob({
        endpoint: 'upscale-4x',
        parameters: { upscale_model: '4x.pth' },
        inputs: [
          { field: 'source_image', assetId, mediaType: 'image/png', encoding: 'upload', shape: 'value' },
        ],
      }),
      { media },
    );
    rig.pod.end(await rig.submitted());
    await job.result;
    expect(rig.pod.submits[0]?.prompt['6']?.inputs).toEqual({ image: 'faces/x (1).png' });
    expect(rig.pod.uploads[0]).toContain(`name="image"; filename="${assetId}.png"`);
    expect(rig.pod.uploads[0]).toContain(content.toString('latin1'));
    expect(rig.pod.uploads[0]).toContain('name="overwrite"\r\n\r\ntrue\r\n');
  });
});
