import type { ServerResponse } from 'node:http';
import { createComfyUiClient } from '../../../src/providers/comfyui/client';
import { picture } from '../../assets/pictures';
import { RecordingDispatch } from '../support/recording-dispatch';
import { ownId, usePodRig } from './pod-rig';
import { startJob, textJob } from './run-job';

const rig = usePodRig();
const html = { 'content-type': 'text/html; charset=utf-8' };

describe('an answer that is not the pod’s', () => {
  it.each([
    ['401', { status: 401 }, 'auth'],
    ['403, as for a foreign Origin', { status: 403 }, 'auth'],
    ['404 of a proxy', { status: 404, body: 'no such pod' }, 'outage'],
    ['a page with 404', { status: 404, body: '<html>', headers: html }, 'outage'],
    ['502', { status: 502 }, 'outage'],
    ['503', { status: 503 }, 'outage'],
    ['504', { status: 504 }, 'outage'],
    ['a page with 500', { status: 500, body: '<html>', headers: html }, 'outage'],
    ['a login page with 200', { status: 200, body: '<html>Sign in</html>', headers: html }, 'outage'],
    ['a redirect', { status: 302, headers: { location: '/login' } }, 'outage'],
    ['an empty 200', { status: 200, body: '' }, 'outage'],
    ['JSON of another kind', { status: 200, body: { error: 'no' } }, 'outage'],
    ['plain text with 500', { status: 500, body: 'Internal Server Error' }, 'transient'],
    ['408', { status: 408 }, 'transient'],
    ['413', { status: 413 }, 'input'],
    ['429', { status: 429 }, 'capacity'],
    ['405', { status: 405 }, 'auth'],
  ])('is understood, and nothing was sent: %s', async (_name, answer, failureClass) => {
    rig.pod.on('GET /queue', answer);
    await expect(rig.start().result).rejects.toMatchObject({ failureClass, certainty: 'not_sent' });
    expect(rig.pod.submits).toEqual([]);
  });

  it('asks us to wait, and says how long', async () => {
    rig.pod.on('GET /queue', { status: 429, headers: { 'retry-after': '2' } });
    await expect(rig.start().result).rejects.toMatchObject({ failureClass: 'capacity', retryAfterMs: 2_000 });
  });

  it('is an outage when nobody listens at all', async () => {
    const client = createComfyUiClient({ baseUrl: rig.pod.url });
    await rig.pod.close();
    await expect(startJob(client, textJob()).result).rejects.toMatchObject({
      failureClass: 'outage',
      certainty: 'not_sent',
    });
    await rig.replacePod({ websocket: true });
  });

  it.each([
    ['the connection breaks', (response: ServerResponse) => void response.destroy()],
    ['a proxy answers 504', answerWith(504)],
    ['the answer is no JSON', answerWith(200)],
  ])('does not lead to a second submit when the pod took the first and then %s', async (_name, answer) => {
    rig.pod.on('POST /prompt', (_request, response) => {
      rig.pod.pending.push(ownId);
      answer(response);
    });
    const job = rig.start();
    await rig.pod.reached(() => rig.pod.count('POST /prompt') === 1 && rig.pod.count('GET /queue') >= 2);
    rig.pod.end(ownId);
    await expect(job.result).resolves.toMatchObject({ providerRequestId: ownId });
    expect(rig.pod.count('POST /prompt')).toBe(1);
  });

  it('is known to have started nothing when the submit broke and the pod does not know the run', async () => {
    rig.pod.on('POST /prompt', (_request, response) => response.destroy());
    await expect(rig.start().result).rejects.toMatchObject({
      failureClass: 'transient',
      certainty: 'not_sent',
    });
  });

  it('leaves open what happened when the submit broke and the pod cannot be asked', async () => {
    rig.pod.on('POST /prompt', (_request, response) => {
      rig.pod.on('GET /queue', { status: 502 });
      response.destroy();
    });
    await expect(rig.start().result).rejects.toMatchObject({
      failureClass: 'transient',
      certainty: 'unknown',
    });
  });
});

describe('a download', () => {
  it.each([
    ['a page', { status: 200, body: '<html>Sign in</html>', headers: html }, 'corrupt', 'media_not_media'],
    ['nothing', { status: 200, body: '' }, 'corrupt', 'media_empty'],
    ['an error as JSON', { status: 200, body: { error: 'x' } }, 'corrupt', 'media_not_media'],
    ['502', { status: 502 }, 'outage', 'pod_unavailable'],
    ['500', { status: 500, body: 'Internal Server Error' }, 'transient', 'media_unavailable'],
  ])(
    'that brings %s ends in its class, and the run is not lost',
    async (_name, answer, failureClass, code) => {
      rig.pod.on('GET /view', answer);
      const job = rig.start();
      rig.pod.end(await rig.submitted());
      await expect(job.result).rejects.toMatchObject({ failureClass, code, certainty: 'accepted' });
      rig.pod.restore('GET /view');
      await expect(
        rig.start(textJob(), { dispatch: new RecordingDispatch(job.dispatch.state) }).result,
      ).resolves.toBeDefined();
      expect(rig.pod.submits).toHaveLength(1);
    },
  );

  it('that breaks off half-way is corrupt', async () => {
    const content = await picture('png');
    rig.pod.on('GET /view', (_request, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, content.length / 2), () => response.destroy());
    });
    const job = rig.start();
    rig.pod.end(await rig.submitted());
    await expect(job.result).rejects.toMatchObject({ failureClass: 'corrupt', endsJob: false });
  });
});

function answerWith(status: number): (response: ServerResponse) => void {
  return (response) => response.writeHead(status).end('no JSON');
}
