import { startEmulator, type RunningEmulator } from '../../emulator/start-emulator';
import type { SettingsPatch } from '../../emulator/settings';
import type { JournalEntry } from '../../emulator/journal';
import { exchange, json, open, type Exchange } from './support/exchange';
import { sampleDataUrl } from './support/pictures';

let emulator: RunningEmulator;
let url: string;

beforeAll(async () => {
  emulator = await startEmulator({ timeScale: 0.001 });
  url = `${emulator.urls.modal}/ryla-flux/flux-dev`;
});
afterAll(() => emulator.close());
beforeEach(async () => {
  await emulator.reset();
});

const body = { prompt: 'a red door', width: 64, height: 64, seed: 5 };
const call = (headers?: Record<string, string>): Promise<Exchange> => exchange('POST', url, body, headers);
const change = (patch: SettingsPatch): void => void emulator.settings.change(patch);
const entries = (): JournalEntry[] => emulator.journal.read().entries;
const locationOf = (reply: Exchange): string => new URL(reply.headers.location ?? '', url).href;

describe('a call longer than one request may take', () => {
  beforeEach(() => {
    change({ fixedLatencySeconds: 400 });
  });

  it('is redirected to its result, which GETs reach', async () => {
    const first = await call();
    expect(first.status).toBe(303);
    expect(first.headers['access-control-allow-origin']).toBeUndefined();
    expect(locationOf(first)).toMatch(/^http:.*\/ryla-flux\/flux-dev\?__modal_function_call_id=fc-\w+$/);
    let last = await exchange('GET', locationOf(first));
    while (last.status === 303) last = await exchange('GET', locationOf(last));

    expect(last.status).toBe(200);
    expect(entries()).toMatchObject([{ outcome: 'succeeded', responseDelivered: true }]);
    expect(locationOf(first)).toContain(entries()[0]?.callId);
  });

  it('can be read again without new work', async () => {
    const location = locationOf(await call());
    await exchange('GET', location);
    const [one, two] = [await exchange('GET', location), await exchange('GET', location)];

    expect(one.bytes.equals(two.bytes)).toBe(true);
    expect(entries()).toHaveLength(1);
  });

  it('is redirected by a relative Location when set so', async () => {
    change({ modal: { redirectLocation: 'relative' } });
    expect((await call()).headers.location).toMatch(/^\?__modal_function_call_id=/);
  });

  it.each([302, 303, 408] as const)('answers %i while it is pending, when set so', async (pendingStatus) => {
    change({ fixedLatencySeconds: 100_000, modal: { pendingStatus } });
    const first = await call();
    const second = await exchange('GET', locationOf(first));
    expect([first.status, second.status]).toEqual([303, pendingStatus]);
    expect(second.headers.location).toBe(pendingStatus === 408 ? undefined : first.headers.location);
  });

  it('refuses a second POST to its result', async () => {
    const reply = await exchange('POST', locationOf(await call()), body);
    expect([reply.status, reply.text]).toEqual([400, 'modal-http: bad redirect method']);
    expect(entries()).toHaveLength(1);
  });

  it('answers 404 for a call nobody made', async () => {
    const reply = await exchange('GET', `${url}?__modal_function_call_id=fc-nobody`);
    expect([reply.status, reply.text]).toEqual([404, 'modal-http: invalid function call']);
  });
});

describe('money', () => {
  it('is charged by GPU seconds, also when the caller has gone', async () => {
    change({ fixedLatencySeconds: 100 });
    const gone = new AbortController();
    const left = fetch(url, { method: 'POST', body: JSON.stringify(body), signal: gone.signal });
    left.catch(() => undefined);
    await until(() => entries().length === 1);
    gone.abort();
    await until(() => entries()[0]?.outcome === 'succeeded');

    // 37 s on an L40S; the faster clock of the test does not make it cheaper.
    expect(entries()[0]).toMatchObject({ chargedUsd: 0.020054, responseDelivered: false });
  });

  it('is charged for a call whose machine went down, and the caller gets a broken connection', async () => {
    change({ fixedLatencySeconds: 100_000 });
    const broken = expect(call()).rejects.toMatchObject({ code: 'ECONNRESET' });
    await until(() => entries().length === 1);
    await emulator.setProviderState('modal', 'down');
    await broken;
    await expect(call()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await emulator.setProviderState('modal', 'up');
    change({ fixedLatencySeconds: 1 });

    expect((await call()).status).toBe(200);
    expect(entries()).toMatchObject([
      { outcome: 'lost', chargedUsd: 0.020054, responseDelivered: false },
      { outcome: 'succeeded', chargedUsd: 0.020054, responseDelivered: true },
    ]);
  });

  it('is shown in headers only where it was seen, or everywhere when switched on', async () => {
    const seen = await call();
    const face = { ...body, reference_image: await sampleDataUrl() };
    const pulid = await exchange('POST', `${emulator.urls.modal}/ryla-instantid/flux-pulid`, face);
    change({ costHeaders: true });
    const documented = await call();

    expect(seen.headers['x-cost-usd']).toBeUndefined();
    expect(pulid.headers).toMatchObject({ 'x-cost-usd': '0.044986', 'x-gpu-type': 'L40S' });
    expect(documented.headers).toMatchObject({ 'x-cost-usd': '0.020054', 'x-execution-time-sec': '37.000' });
  });
});

describe('switches', () => {
  it('proxy credentials are asked for when set', async () => {
    change({ proxyAuth: { key: 'wk-1', secret: 'ws-1' } });
    const [none, wrong, right] = [
      await call(),
      await call({ 'modal-key': 'wk-1', 'modal-secret': 'no' }),
      await call({ 'modal-key': 'wk-1', 'modal-secret': 'ws-1' }),
    ];
    expect([none.status, none.text]).toEqual([
      401,
      'modal-http: missing credentials for proxy authorization',
    ]);
    expect([wrong.status, right.status]).toEqual([401, 200]);
  });

  it('the first call to a cold app takes longer, the second does not', async () => {
    change({ fixedLatencySeconds: 1, modal: { coldStartSeconds: 200 } });
    expect([(await call()).status, (await call()).status]).toEqual([303, 200]);
  });

  it('PNG bytes may stand under the declared JPEG type', async () => {
    change({ modal: { imageBytes: 'png' } });
    const reply = await call();
    expect(reply.headers['content-type']).toBe('image/jpeg');
    expect(reply.bytes.subarray(1, 4).toString()).toBe('PNG');
  });

  it('a hanging provider takes connections and answers nothing until it is up again', async () => {
    await emulator.setProviderState('modal', 'hang');
    const hung = expect(call()).rejects.toMatchObject({ code: 'ECONNRESET' });
    const state = json(await exchange('GET', `${emulator.urls.control}/control/providers`)) as Record<
      string,
      { state: string }
    >;
    expect(state['modal']?.state).toBe('hang');
    await emulator.setProviderState('modal', 'up');
    await hung;
    expect(entries()).toEqual([]);
  });
});

describe('faults of redirects', () => {
  const add = (
    fault:
      | 'redirect_chain'
      | 'redirect_foreign'
      | 'redirect_lost_poll'
      | 'redirect_no_location'
      | 'accepted_202'
      | 'cold_start',
    params = {},
  ): void => void emulator.faults.add({ provider: 'modal', fault, params, times: 1 });

  it.each([1, 3, 21])('redirect_chain answers %i redirects before the picture', async (hops) => {
    add('redirect_chain', { hops });
    let reply = await call();
    let seen = 0;
    for (; reply.status === 303; seen += 1) reply = await exchange('GET', locationOf(reply));
    expect([seen, reply.status]).toEqual([hops, 200]);
    expect(entries()).toHaveLength(1);
  });

  it('redirect_foreign points to another host', async () => {
    add('redirect_foreign', { origin: 'http://127.0.0.1:1' });
    expect((await call()).headers.location).toMatch(/^http:\/\/127\.0\.0\.1:1\/ryla-flux\/flux-dev\?__modal/);
  });

  it('redirect_no_location points nowhere', async () => {
    add('redirect_no_location');
    const reply = await call();
    expect([reply.status, reply.headers.location]).toEqual([303, undefined]);
  });

  it('redirect_lost_poll resets the first follow-up and serves the second', async () => {
    add('redirect_lost_poll');
    const location = locationOf(await call());
    await expect(exchange('GET', location)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await exchange('GET', location)).status).toBe(200);
    expect(entries()).toHaveLength(1);
  });

  it('accepted_202 answers with the result URL', async () => {
    add('accepted_202');
    const reply = await call();
    const { result_url: location } = json(reply) as { result_url: string };
    expect([reply.status, (await exchange('GET', location)).status]).toEqual([202, 200]);
  });

  it('cold_start holds the call past the limit of one request', async () => {
    add('cold_start', { seconds: 200 });
    const first = await call();
    expect([first.status, (await exchange('GET', locationOf(first))).status]).toEqual([303, 200]);
  });
});

describe('transport faults', () => {
  it('strike the first reading only: the result itself is unharmed', async () => {
    change({ fixedLatencySeconds: 200 });
    emulator.faults.add({ provider: 'modal', fault: 'truncated', times: 1 });
    const location = locationOf(await call());
    const [broken, whole] = [await exchange('GET', location), await exchange('GET', location)];
    expect(broken.bytes.length).toBe(Math.floor(whole.bytes.length / 2));
    expect(entries()).toMatchObject([{ responseDelivered: true }]);
  });

  it('slow_drip sends byte by byte', async () => {
    emulator.faults.add({ provider: 'modal', fault: 'slow_drip', params: { intervalMs: 5 } });
    const response = await open('POST', url, body);
    const sizes: number[] = [];
    for await (const chunk of response) {
      sizes.push((chunk as Buffer).length);
      if (sizes.length === 3) break;
    }
    expect(Math.max(...sizes)).toBeLessThan(10);
  });

  it('oversize never ends', async () => {
    emulator.faults.add({ provider: 'modal', fault: 'oversize' });
    const response = await open('POST', url, body);
    let bytes = 0;
    for await (const chunk of response) {
      bytes += (chunk as Buffer).length;
      if (bytes > 20_000_000) break;
    }
    expect(bytes).toBeGreaterThan(20_000_000);
  });
});

/** Polls until a condition of the in-process journal holds; jest's own limit is the deadline. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
