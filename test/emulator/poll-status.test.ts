import type { ProviderId } from '../../emulator/provider-id';
import { startEmulator, type RunningEmulator } from '../../emulator/start-emulator';
import { exchange, json, type Exchange } from './support/exchange';
import { FalCaller } from './support/fal-client';
import { textGraph } from './support/graphs';
import { submit } from './support/pod-client';

let emulator: RunningEmulator;

beforeAll(async () => {
  emulator = await startEmulator({ timeScale: 0.001 });
});
afterAll(() => emulator.close());
beforeEach(() => emulator.reset());

/** Starts a job whose end is not awaited, and returns how to ask for it. */
const accepted: Record<ProviderId, () => Promise<() => Promise<Exchange>>> = {
  async modal() {
    emulator.faults.add({ provider: 'modal', fault: 'accepted_202', times: 1 });
    const body = { prompt: 'a red door', width: 64, height: 64 };
    const { result_url: url } = json(
      await exchange('POST', `${emulator.urls.modal}/ryla-flux/flux-dev`, body),
    );
    return () => exchange('GET', String(url));
  },
  async fal() {
    const fal = new FalCaller(emulator.urls.fal);
    const { status_url: url } = await fal.submit('fal-ai/flux/dev', { prompt: 'a red door' });
    return () => fal.get(url);
  },
  async comfyui() {
    await submit(emulator.urls.comfyui, { prompt: textGraph(), prompt_id: 'job', client_id: 'client' });
    return () => exchange('GET', `${emulator.urls.comfyui}/history/job`);
  },
};
const providers = ['modal', 'fal', 'comfyui'] as const;
const statuses = [302, 307, 204, 400, 422];

describe('poll_status', () => {
  it.each(providers.flatMap((provider) => statuses.map((status) => [provider, status] as const)))(
    'at %s a poll of an accepted job answers %i, and the next one is as ever',
    async (provider, status) => {
      const ask = await accepted[provider]();
      emulator.faults.add({ provider, fault: 'poll_status', params: { status }, times: 1 });
      const odd = await ask();
      expect([odd.status, odd.headers.location]).toEqual([
        status,
        status > 300 && status < 400 ? '/login' : undefined,
      ]);
      expect([200, 202]).toContain((await ask()).status);
      expect(emulator.journal.read().entries).toHaveLength(1);
    },
  );

  it('can strike the result of a Fal request instead', async () => {
    const fal = new FalCaller(emulator.urls.fal);
    const ticket = await fal.submit('fal-ai/flux/dev', { prompt: 'a red door' });
    await fal.completed(ticket);
    emulator.faults.add({
      provider: 'fal',
      fault: 'poll_status',
      params: { on: 'result', status: 307 },
      times: 1,
    });
    expect((await fal.get(ticket.response_url)).status).toBe(307);
    expect((await fal.get(ticket.response_url)).status).toBe(200);
  });
});
