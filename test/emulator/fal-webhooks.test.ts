import { createHash, createPublicKey, verify, type JsonWebKey } from 'node:crypto';
import type { FaultName, FaultParameters } from '../../emulator/faults/fault-catalogue';
import { startEmulator, type RunningEmulator } from '../../emulator/start-emulator';
import { startLocalServer, type LocalServer, type ReceivedRequest } from '../providers/support/local-server';
import { waitUntil } from '../support/wait-until';
import { exchange, json } from './support/exchange';
import { FalCaller, key, type Ticket } from './support/fal-client';

const id = 'fal-ai/flux/dev';
const input = { prompt: 'a red door', image_size: 'square' };

let emulator: RunningEmulator;
let fal: FalCaller;
let receiver: LocalServer;
let answers: number[];

beforeAll(async () => {
  emulator = await startEmulator({ timeScale: 0.001 });
  fal = new FalCaller(emulator.urls.fal);
});
afterAll(() => emulator.close());
beforeEach(async () => {
  await emulator.reset();
  answers = [];
  receiver = await startLocalServer((_request, response) => {
    response.writeHead(answers.shift() ?? 200);
    response.end();
  });
});
afterEach(() => receiver.close());

const add = (fault: FaultName, params: FaultParameters = {}): void =>
  void emulator.faults.add({ provider: 'fal', fault, params, times: 1 });
const submit = (body: unknown = input): Promise<Ticket> =>
  fal.submit(`${id}?fal_webhook=${encodeURIComponent(`${receiver.url}/hook?job=7`)}`, body);
const calls = async (count: number): Promise<ReceivedRequest[]> => {
  await waitUntil(() => Promise.resolve(receiver.received.length >= count));
  return receiver.received;
};

/** Whether a published key has signed the call, as the vendor tells receivers to check it. */
async function isGenuine({ headers, body }: ReceivedRequest): Promise<boolean> {
  const names = ['request-id', 'user-id', 'timestamp'].map((name) =>
    String(headers[`x-fal-webhook-${name}`]),
  );
  const digest = createHash('sha256').update(body).digest('hex');
  const message = Buffer.from([...names, digest].join('\n'));
  const signature = Buffer.from(String(headers['x-fal-webhook-signature']), 'hex');
  const { keys } = json(await exchange('GET', `${emulator.urls.fal}/rest/.well-known/jwks.json`)) as {
    keys: JsonWebKey[];
  };
  return keys.some((jwk) => verify(null, message, createPublicKey({ key: jwk, format: 'jwk' }), signature));
}

describe('a call-back', () => {
  it('hands over the result when the request ends, signed', async () => {
    const ticket = await submit();
    const [call] = await calls(1);
    expect(call).toMatchObject({ method: 'POST', path: '/hook?job=7' });
    expect(JSON.parse(call?.body ?? '')).toEqual({
      request_id: ticket.request_id,
      gateway_request_id: ticket.request_id,
      status: 'OK',
      payload: json(await fal.get(ticket.response_url)),
    });
    expect(call?.headers['x-fal-webhook-request-id']).toBe(ticket.request_id);
    const age = Date.now() / 1000 - Number(call?.headers['x-fal-webhook-timestamp']);
    expect(Math.abs(age)).toBeLessThan(30);
    expect(call !== undefined && (await isGenuine(call))).toBe(true);
    expect(call !== undefined && (await isGenuine({ ...call, body: `${call.body} ` }))).toBe(false);
    expect(emulator.journal.read().entries).toMatchObject([
      { webhook: { url: `${receiver.url}/hook?job=7`, tries: 1, delivered: true } },
    ]);
  });

  it.each([
    ['a refused input', undefined, { prompt: 7 }, 'Invalid status code: 422'],
    ['a failed run', 'completed_then_error', input, 'Internal server error'],
  ] as const)('tells of %s', async (_what, fault, body, error) => {
    if (fault !== undefined) add(fault);
    const ticket = await submit(body);
    const [call] = await calls(1);
    expect(JSON.parse(call?.body ?? '')).toMatchObject({
      status: 'ERROR',
      error,
      payload: json(await fal.get(ticket.response_url)),
    });
  });

  it('comes for a submit whose answer was lost', async () => {
    add('submit_lost');
    await expect(submit()).rejects.toMatchObject({ code: 'ECONNRESET' });
    const [call] = await calls(1);
    const { request_id: told } = JSON.parse(call?.body ?? '') as { request_id: string };
    expect(emulator.journal.read().entries.map(({ requestId }) => requestId)).toEqual([told]);
  });

  it('is tried again until it is taken, signed anew', async () => {
    answers = [500, 302];
    await submit();
    const [first, , third] = await calls(3);
    expect([first, third].map((call) => call?.body)).toEqual([first?.body, first?.body]);
    expect(third !== undefined && (await isGenuine(third))).toBe(true);
    await waitUntil(() => Promise.resolve(emulator.journal.read().entries[0]?.webhook?.delivered === true));
  });

  it('is given up after eleven tries', async () => {
    emulator.settings.change({ timeScale: 0.00001 });
    answers = Array<number>(20).fill(503);
    await submit();
    await calls(11);
    emulator.settings.change({ timeScale: 0.001 });
    answers = [];
    await submit();
    expect(await calls(12)).toHaveLength(12);
    const [first] = emulator.journal.read().entries;
    expect(first?.webhook).toMatchObject({ tries: 11, delivered: false });
  });

  it('goes to http addresses of this machine only', async () => {
    const target = `${emulator.urls.fal}/queue/${id}?fal_webhook=`;
    const [wrong, elsewhere] = ['ftp://127.0.0.1/x', 'http://192.0.2.1/x'].map((url) =>
      exchange('POST', target + encodeURIComponent(url), input, key),
    );
    expect([(await wrong)?.status, (await elsewhere)?.status]).toEqual([400, 200]);
    await submit();
    await calls(1);
    const { entries } = emulator.journal.read();
    expect(entries.map(({ webhook }) => webhook?.url)).toEqual([undefined, `${receiver.url}/hook?job=7`]);
  });

  it('does not come for the blocking route', async () => {
    await fal.run(`${id}?fal_webhook=${encodeURIComponent(receiver.url)}`, input);
    await submit();
    const [call] = await calls(1);
    expect(call?.path).toBe('/hook?job=7');
  });
});

describe('faults of the call-back', () => {
  it('webhook_lost: the request ends and nobody is told', async () => {
    add('webhook_lost');
    await fal.completed(await submit());
    const second = await submit();
    const [call] = await calls(1);
    expect(call?.headers['x-fal-webhook-request-id']).toBe(second.request_id);
    expect(emulator.journal.read().entries).toMatchObject([
      { webhook: { tries: 0, delivered: false } },
      { requestId: second.request_id },
    ]);
  });

  it('webhook_late: a later one overtakes it', async () => {
    add('webhook_late', { seconds: 500 });
    const first = await submit();
    await fal.completed(first);
    const second = await submit();
    const ids = (await calls(2)).map(({ headers }) => headers['x-fal-webhook-request-id']);
    expect(ids).toEqual([second.request_id, first.request_id]);
  });

  it('webhook_twice: the same call once more', async () => {
    add('webhook_twice');
    await submit();
    const [first, second] = await calls(2);
    expect([second?.body, second?.headers]).toEqual([first?.body, first?.headers]);
  });

  it('webhook_bad_signature: no published key has signed it', async () => {
    add('webhook_bad_signature');
    await submit();
    const [call] = await calls(1);
    expect(call !== undefined && (await isGenuine(call))).toBe(false);
  });
});
