import { callbackToken, jobKeyOfToken } from '../../../src/domain/callback-key';
import { runJob } from '../../../src/providers/run-job';
import { providerErrorOf, testCall } from '../support/call';
import { resetConnection, sendJson, startLocalServer } from '../support/local-server';
import { falJob, inTurn, LocalFal, requestPath } from './local-fal';

const fal = new LocalFal();

/** Request line of the submit of the test job by a service with a public address. */
function submitWithCallback(): string {
  const address = `https://images.example.com/v1/provider-callbacks/fal/${callbackToken(falJob.jobKey, 'id:secret')}`;
  return `POST /queue/fal-ai/flux/dev?fal_webhook=${encodeURIComponent(address)}`;
}

afterEach(async () => {
  await fal.close();
});

describe('submitting to Fal', () => {
  it('submits once, notes the handle, polls the returned URLs and stores the picture', async () => {
    const call = testCall();
    const client = await fal.start({
      [`GET ${requestPath}/status`]: inTurn(
        [202, { status: 'IN_QUEUE', queue_position: 3 }],
        [202, { status: 'IN_PROGRESS', logs: [] }],
        [200, { status: 'COMPLETED', metrics: { inference_time: 1.25 } }],
      ),
    });
    const result = await runJob(client, falJob, call.context);
    expect(result).toMatchObject({
      assets: [{ mediaType: 'image/png' }],
      executionSeconds: 1.25,
      providerRequestId: 'r1',
    });
    expect(result.costUsd).toBeUndefined();
    const queuedSince = expect.any(String) as unknown;
    expect(call.dispatch.notes).toEqual(['intent', { accepted: { ...fal.handle(), queuedSince } }]);
    expect(call.dispatch.providerRequestId).toBe('r1');
    expect(call.progress).toEqual([
      { phase: 'queued', queuePosition: 3 },
      { phase: 'running', queuePosition: undefined },
      { phase: 'downloading' },
    ]);
    expect(fal.submits()).toHaveLength(1);
    expect(JSON.parse(fal.received[0]?.body ?? '')).toEqual(falJob.parameters);
  });

  it('sends its key to the queue, and to no media host', async () => {
    const client = await fal.start();
    await runJob(client, falJob, testCall().context);
    const keyOf = (path: string) =>
      fal.received.find((request) => request.path === path)?.headers.authorization;
    expect(keyOf('/queue/fal-ai/flux/dev')).toBe('Key id:secret');
    expect(keyOf(`${requestPath}/status`)).toBe('Key id:secret');
    expect(keyOf('/files/1.png')).toBeUndefined();
  });

  it('has Fal give up by itself, unpaid, what was not started in time, and try nothing twice', async () => {
    const client = await fal.start({
      [`GET ${requestPath}`]: (response) => {
        const headers = { 'x-fal-request-timeout-type': 'user' };
        sendJson(response, 504, { detail: 'Request timed out', error_type: 'request_timeout' }, headers);
      },
    });
    const error = await providerErrorOf(runJob(client, falJob, testCall().context));
    expect(error).toMatchObject({
      ...{ failureClass: 'capacity', code: 'queue_timeout' },
      ...{ certainty: 'accepted', endsJob: true, charge: 'none' },
    });
    const [submit] = fal.submits();
    expect(submit?.headers).toMatchObject({ 'x-fal-request-start-timeout': '15', 'x-fal-no-retry': '1' });
    // What Fal keeps of the input is how a lost submit is found again.
    expect(submit?.headers).not.toHaveProperty('x-fal-store-io');
    expect(submit?.path).toBe('/queue/fal-ai/flux/dev');
  });

  it('asks for a call-back at an address only we can have made, where we have a public one', async () => {
    const client = await fal.start(
      {
        [submitWithCallback()]: (response) => sendJson(response, 200, { status: 'IN_QUEUE', ...fal.urls() }),
      },
      { publicBaseUrl: 'https://images.example.com/' },
    );
    await runJob(client, falJob, testCall().context);
    const [submit] = fal.submits();
    const address = new URL(submit?.path ?? '', fal.url).searchParams.get('fal_webhook') ?? '';
    const [base, token] = address.split('/v1/provider-callbacks/fal/');
    expect(base).toBe('https://images.example.com');
    expect(jobKeyOfToken(token ?? '', 'id:secret')).toBe(falJob.jobKey);
    expect(jobKeyOfToken(token ?? '', 'another:key')).toBeUndefined();
  });

  it.each([false, null, 'true'])(
    'sends nothing when the safety checker is %j',
    async (enable_safety_checker) => {
      const client = await fal.start();
      const parameters = { ...falJob.parameters, enable_safety_checker };
      const error = await providerErrorOf(runJob(client, { ...falJob, parameters }, testCall().context));
      expect(error).toMatchObject({ failureClass: 'policy', certainty: 'not_sent' });
      expect(fal.received).toEqual([]);
    },
  );

  it('takes no name for the job that could not be stored, and still collects it', async () => {
    const client = await fal.start({
      'POST /queue/fal-ai/flux/dev': (response) => {
        sendJson(response, 200, { ...fal.urls(), request_id: 'r\u0000' });
      },
    });
    const call = testCall();
    const result = await runJob(client, falJob, call.context);
    expect(result.assets).toHaveLength(1);
    expect(result.providerRequestId).toBeUndefined();
    expect(JSON.stringify(call.dispatch.notes)).not.toContain('u0000');
  });

  it('follows no URL to another host with its key', async () => {
    const foreign = await startLocalServer((_request, response) => response.end());
    const client = await fal.start({
      'POST /queue/fal-ai/flux/dev': (response) => {
        sendJson(response, 200, { ...fal.urls(), status_url: `${foreign.url}${requestPath}/status` });
      },
    });
    const error = await providerErrorOf(runJob(client, falJob, testCall().context));
    await foreign.close();
    expect(error).toMatchObject({ failureClass: 'outage', code: 'url_foreign', certainty: 'accepted' });
    expect(foreign.received).toEqual([]);
  });

  it('cancels a job whose submit was under way when the caller gave up', async () => {
    const call = testCall();
    const client = await fal.start({
      'POST /queue/fal-ai/flux/dev': (response) => {
        call.abort(new Error('cancelled by the user'));
        setImmediate(() => {
          sendJson(response, 200, { status: 'IN_QUEUE', ...fal.urls() });
        });
      },
    });
    await expect(runJob(client, falJob, call.context)).rejects.toThrow('cancelled by the user');
    expect(fal.lines()).toEqual(['POST /queue/fal-ai/flux/dev', `PUT ${requestPath}/cancel`]);
  });

  it('submits nothing when the caller gave up before', async () => {
    const client = await fal.start();
    const call = testCall();
    call.abort(new Error('cancelled by the user'));
    await expect(runJob(client, falJob, call.context)).rejects.toThrow('cancelled by the user');
    expect(fal.received).toEqual([]);
  });

  it('does not pay again for a submit whose outcome nobody knows', async () => {
    const client = await fal.start();
    for (const previous of [{ phase: 'intent' }, { phase: 'accepted', handle: { other: 1 } }] as const) {
      const error = await providerErrorOf(runJob(client, falJob, testCall({ previous }).context));
      expect(error).toMatchObject({
        failureClass: 'transient',
        code: 'outcome_unknown',
        certainty: 'unknown',
      });
    }
    expect(fal.received).toEqual([]);
  });

  it('tells a lost submit from a refused one', async () => {
    const lost = await fal.start({
      'POST /queue/fal-ai/flux/dev': (response) => {
        resetConnection(response.req.socket);
      },
    });
    const error = await providerErrorOf(runJob(lost, falJob, testCall().context));
    expect(error).toMatchObject({ failureClass: 'transient', certainty: 'unknown' });
    expect(fal.received).toHaveLength(1);
    await fal.close();
    const refused = await providerErrorOf(runJob(lost, falJob, testCall().context));
    expect(refused).toMatchObject({
      failureClass: 'outage',
      code: 'connection_refused',
      certainty: 'not_sent',
    });
  });
});
