import { once } from 'node:events';
import { request } from 'node:http';
import { startEmulator, type RunningEmulator } from '../../emulator/start-emulator';
import { waitUntil } from '../support/wait-until';
import { exchange, json } from './support/exchange';
import { FalCaller } from './support/fal-client';
import { textGraph } from './support/graphs';
import { historyOf, PodListener, submit } from './support/pod-client';

let emulator: RunningEmulator;
let pod: string;
let listener: PodListener;

beforeAll(async () => {
  emulator = await startEmulator({ timeScale: 0.02 });
  pod = emulator.urls.comfyui;
});
afterAll(() => emulator.close());
beforeEach(async () => {
  await emulator.reset();
  emulator.settings.change({ fixedLatencySeconds: 20 });
  listener = await PodListener.open(pod, 'client');
});
afterEach(() => {
  listener.close();
});

const job = { prompt: textGraph(), prompt_id: 'job', client_id: 'client' };
const set = (state: 'up' | 'frozen' | 'down'): Promise<void> => emulator.setProviderState('comfyui', state);
const pendingPromptIds = (): (string | undefined)[] =>
  emulator.journal.read({ provider: 'comfyui' }).entries.map(({ promptId }) => promptId);

/** As long as a job of the pod, of which some was done before the freeze: its rest would be over by then. */
async function aWholeJobElsewhere(): Promise<void> {
  await new FalCaller(emulator.urls.fal).run('fal-ai/flux/dev', { prompt: 'x', image_size: 'square' });
}

/** Sends a request, sees that the pod has it, and hangs up without an answer. */
async function askAndLeave(method: string, path: string, body: unknown): Promise<void> {
  const outgoing = request(pod + path, { method, agent: false });
  outgoing.on('error', () => undefined);
  const closed = new Promise((resolve) => outgoing.once('close', resolve));
  outgoing.end(JSON.stringify(body));
  await once(outgoing, 'finish');
  // With the socket's own buffer empty the bytes are with the system, which keeps them for the pod.
  await waitUntil(() => Promise.resolve(outgoing.socket?.writableLength === 0));
  outgoing.destroy();
  await closed;
}

describe('a frozen pod', () => {
  it('takes connections and answers nobody; then it answers everybody, and its job goes on where it was', async () => {
    await submit(pod, job);
    await listener.until(({ type, data }) => type === 'progress' && data['value'] === 16);
    await set('frozen');
    const seen = listener.events.length;
    const answers: string[] = [];
    const queue = exchange('GET', `${pod}/queue`).then(({ text }) => answers.push(text));
    const late = submit(pod, { ...job, prompt_id: 'late' }).then(({ text }) => answers.push(text));
    await aWholeJobElsewhere();
    expect([answers, listener.events.length]).toEqual([[], seen]);
    const { entries } = emulator.journal.read({ provider: 'comfyui' });
    expect(entries).toMatchObject([{ promptId: 'job', outcome: 'running' }]);

    await set('up');
    const ends: string[] = [];
    const rest = listener.finished('job').then(() => ends.push('rest of the job'));
    const whole = aWholeJobElsewhere().then(() => ends.push('a whole job'));
    await Promise.all([queue, late, rest, whole]);
    expect(ends).toEqual(['rest of the job', 'a whole job']);
    expect(answers.join()).toContain('"prompt_id":"late"');
    await listener.finished('late');
    expect(await historyOf(pod, 'job')).toMatchObject({ status: { status_str: 'success' } });
    const starts = listener.events.filter(
      ({ type, data }) => type === 'execution_start' && data['prompt_id'] === 'job',
    );
    expect(starts).toHaveLength(1);
  });

  it('does afterwards what it was asked by somebody who has left', async () => {
    await set('frozen');
    await askAndLeave('POST', '/prompt', job);
    // Time enough for his leaving to be noticed.
    await aWholeJobElsewhere();
    expect(pendingPromptIds()).toEqual([]);
    await set('up');
    await waitUntil(() => Promise.resolve(pendingPromptIds().includes('job')));
    await listener.finished('job');
  });

  it('answers no ping, and opens no websocket, until it goes on', async () => {
    await set('frozen');
    const heard: string[] = [];
    listener.socket.on('pong', () => heard.push('pong'));
    listener.socket.ping();
    const opened = PodListener.open(pod, 'other').then((other) => {
      heard.push('open');
      other.close();
    });
    await aWholeJobElsewhere();
    expect(heard).toEqual([]);
    await set('up');
    await opened;
    await waitUntil(() => Promise.resolve(heard.includes('pong')));
  });

  it('that is killed has lost its job and what it was asked', async () => {
    await submit(pod, job);
    await listener.until(({ type }) => type === 'progress');
    await set('frozen');
    const asked = expect(submit(pod, { ...job, prompt_id: 'late' })).rejects.toThrow();
    await set('down');
    await asked;
    await set('up');
    expect(json(await exchange('GET', `${pod}/queue`))).toEqual({ queue_running: [], queue_pending: [] });
    expect(emulator.journal.read().entries).toMatchObject([{ promptId: 'job', outcome: 'lost' }]);
  });

  it('is well again after a reset', async () => {
    await submit(pod, job);
    await set('frozen');
    await emulator.reset();
    listener = await PodListener.open(pod, 'client');
    await submit(pod, job);
    await listener.finished('job');
  });
});

describe('the control API', () => {
  const freeze = (name: string): ReturnType<typeof exchange> =>
    exchange('POST', `${emulator.urls.control}/control/providers/${name}`, { state: 'frozen' });

  it('freezes the pod, and no platform', async () => {
    expect(json(await freeze('comfyui'))).toEqual({ name: 'comfyui', state: 'frozen' });
    const refused = await freeze('modal');
    expect([refused.status, json(refused)['error']]).toEqual([400, expect.stringContaining('state')]);
  });
});
