import { runJob } from '../../../src/providers/run-job';
import { providerErrorOf, testCall, testDeadlines } from '../support/call';
import { resetConnection, sendJson } from '../support/local-server';
import { falJob, inTurn, LocalFal, requestPath, type Answers } from './local-fal';

const fal = new LocalFal();

afterEach(async () => {
  await fal.close();
});

describe("waiting in Fal's queue", () => {
  it('keeps polling through passing trouble', async () => {
    const client = await fal.start({
      [`GET ${requestPath}/status`]: inTurn([500, {}], [502, {}], [429, {}], [200, { status: 'COMPLETED' }]),
    });
    const result = await runJob(client, falJob, testCall().context);
    expect(result.assets).toHaveLength(1);
    expect(fal.submits()).toHaveLength(1);
  });

  it('leaves the job to the next attempt when polling keeps failing, and that one pays nothing', async () => {
    let failing = true;
    const client = await fal.start({
      [`GET ${requestPath}/status`]: (response) => {
        if (failing) resetConnection(response.req.socket);
        else sendJson(response, 200, { status: 'COMPLETED' });
      },
    });
    const first = testCall();
    const error = await providerErrorOf(runJob(client, falJob, first.context));
    expect(error).toMatchObject({ failureClass: 'transient', certainty: 'accepted', endsJob: false });
    failing = false;
    await runJob(client, falJob, testCall({ previous: first.dispatch.state }).context);
    expect(fal.submits()).toHaveLength(1);
  });

  it('takes it for no end of the job that the queue has forgotten it', async () => {
    const client = await fal.start({ [`GET ${requestPath}/status`]: inTurn([404, { detail: 'unknown' }]) });
    const error = await providerErrorOf(runJob(client, falJob, testCall().context));
    expect(error).toMatchObject({ failureClass: 'transient', code: 'request_lost', endsJob: false });
  });

  it.each(['FAILED', 'CANCELED', 'toString'])('does not wait for ever on the status %p', async (status) => {
    const client = await fal.start({ [`GET ${requestPath}/status`]: inTurn([200, { status }]) });
    const error = await providerErrorOf(runJob(client, falJob, testCall().context));
    expect(error).toMatchObject({
      failureClass: 'transient',
      code: 'status_unknown',
      certainty: 'accepted',
      endsJob: false,
    });
  });

  it('leaves a queue that is too long, and takes the result when it came meanwhile', async () => {
    const queued = inTurn([202, { status: 'IN_QUEUE', queue_position: 9 }]);
    const short = { ...falJob, deadlines: { ...testDeadlines, queueSeconds: 0.1 } };
    const stuck = await fal.start({
      [`GET ${requestPath}/status`]: queued,
      [`PUT ${requestPath}/cancel`]: inTurn([200, { status: 'OK' }]),
    });
    const error = await providerErrorOf(runJob(stuck, short, testCall().context));
    expect(error).toMatchObject({ failureClass: 'capacity', code: 'queue_timeout', endsJob: true });
    expect(fal.lines()).toContain(`PUT ${requestPath}/cancel`);
    await fal.close();

    const late = await fal.start({
      [`GET ${requestPath}/status`]: queued,
      [`PUT ${requestPath}/cancel`]: inTurn([400, { status: 'ALREADY_COMPLETED' }]),
    });
    expect((await runJob(late, short, testCall().context)).assets).toHaveLength(1);
  });

  it('counts the time in the queue from the submit, not from when the job was picked up again', async () => {
    const client = await fal.start({ [`GET ${requestPath}/status`]: inTurn([202, { status: 'IN_QUEUE' }]) });
    const handle = { ...fal.handle(), queuedSince: new Date(Date.now() - 60_000).toISOString() };
    const job = { ...falJob, deadlines: { ...testDeadlines, queueSeconds: 50 } };
    const late = testCall({ previous: { phase: 'accepted', handle } });
    expect(await providerErrorOf(runJob(client, job, late.context))).toMatchObject({
      code: 'queue_timeout',
    });

    const untold = { ...job, deadlines: { ...testDeadlines, queueSeconds: 0.3 } };
    const old = testCall({ previous: { phase: 'accepted', handle: fal.handle() } });
    const asked = fal.lines().length;
    expect(await providerErrorOf(runJob(client, untold, old.context))).toMatchObject({
      code: 'queue_timeout',
    });
    // A handle of an older version does not tell: the limit counts from now, so there are several looks.
    expect(fal.lines().length - asked).toBeGreaterThan(3);
  });

  it('costs nothing to leave the queue in time', async () => {
    const client = await fal.start({
      [`GET ${requestPath}/status`]: inTurn([202, { status: 'IN_QUEUE' }]),
      [`PUT ${requestPath}/cancel`]: inTurn([202, { status: 'OK' }]),
    });
    const short = { ...falJob, deadlines: { ...testDeadlines, queueSeconds: 0.1 } };
    const error = await providerErrorOf(runJob(client, short, testCall().context));
    expect(error).toMatchObject({ code: 'queue_timeout', charge: 'none', endsJob: true });
  });

  describe.each([
    ['began as it was to leave the queue', 'IN_QUEUE', { queueSeconds: 0.1 }, 'queue_timeout'],
    ['took longer than any may', 'IN_PROGRESS', { totalSeconds: 0.4 }, 'deadline_exceeded'],
  ] as const)('for a job that %s and was told to stop', (_case, status, limits, code) => {
    const job = { ...falJob, deadlines: { ...testDeadlines, ...limits } };

    /** Answers as before until it is told to stop, and as this says from then on. */
    function told(after: [number, unknown]): Answers {
      let isTold = false;
      return {
        [`GET ${requestPath}/status`]: (response) => {
          const [word, body] = isTold ? after : ([202, { status }] as const);
          sendJson(response, word, body);
        },
        [`PUT ${requestPath}/cancel`]: (response) => {
          isTold = true;
          sendJson(response, 202, { status: 'CANCELLATION_REQUESTED' });
        },
      };
    }

    it('takes the picture that it made all the same', async () => {
      const client = await fal.start(told([200, { status: 'COMPLETED' }]));
      expect((await runJob(client, job, testCall().context)).assets).toHaveLength(1);
      expect(fal.submits()).toHaveLength(1);
    });

    it.each([
      ['the figure of its bill', { 'x-fal-billable-units': '2' }, { usd: 0.05 }],
      ['its price where there is no bill', {}, 'price'],
    ])('knows when it did, and that it costs %s', async (_what, headers, charge) => {
      const cancelled = { detail: 'Request was cancelled', error_type: 'request_cancelled' };
      const tablePrice = () => ({ unitPriceUsd: 0.025, source: 'table', asOf: '2026-01-02' });
      const client = await fal.start(
        {
          ...told([200, { status: 'COMPLETED' }]),
          [`GET ${requestPath}`]: (response) => {
            response
              .writeHead(400, { 'content-type': 'application/json', ...headers })
              .end(JSON.stringify(cancelled));
          },
        },
        { tablePrice },
      );
      const error = await providerErrorOf(runJob(client, job, testCall().context));
      expect(error).toMatchObject({ code, charge, certainty: 'accepted', endsJob: true });
    });

    it('does not give it up while Fal cannot say what it came to', async () => {
      const client = await fal.start(told([401, {}]));
      const error = await providerErrorOf(runJob(client, job, testCall().context));
      expect(error).toMatchObject({ certainty: 'accepted', endsJob: false });
    });
  });

  it.each([
    ['in the queue', 'IN_QUEUE', { queueSeconds: 0.1 }, 'queue_timeout'],
    ['at work', 'IN_PROGRESS', { totalSeconds: 0.4 }, 'deadline_exceeded'],
  ])('does not give a job up that Fal could not be told to stop %s', async (_name, status, limits, code) => {
    const client = await fal.start({
      [`GET ${requestPath}/status`]: inTurn([202, { status }]),
      [`PUT ${requestPath}/cancel`]: (response) => resetConnection(response.req.socket),
    });
    const short = { ...falJob, deadlines: { ...testDeadlines, ...limits } };
    const error = await providerErrorOf(runJob(client, short, testCall().context));
    expect(error).toMatchObject({ code, certainty: 'accepted', endsJob: false });
  });

  it('takes the result that came just as our time was up', async () => {
    const client = await fal.start({
      [`GET ${requestPath}/status`]: inTurn([202, { status: 'IN_PROGRESS' }]),
      [`PUT ${requestPath}/cancel`]: inTurn([400, { status: 'ALREADY_COMPLETED' }]),
    });
    const short = { ...falJob, deadlines: { ...testDeadlines, totalSeconds: 0.4 } };
    expect((await runJob(client, short, testCall().context)).assets).toHaveLength(1);
    expect(fal.submits()).toHaveLength(1);
  });

  it.each([401, 403, 408, 429, 500, 502, 503, 504])(
    'keeps the way back to a job when a status request is answered with %d for ever',
    async (status) => {
      const client = await fal.start({ [`GET ${requestPath}/status`]: inTurn([status, { detail: 'no' }]) });
      const error = await providerErrorOf(runJob(client, falJob, testCall().context));
      expect(error).toMatchObject({ status, certainty: 'accepted', endsJob: false });
    },
  );

  const oddAnswers: [number, string, Record<string, string>][] = [
    [302, '', { location: '/login' }],
    [307, '', { location: '/elsewhere' }],
    [204, '', {}],
    [400, '{"detail":"bad request"}', {}],
    [422, '{"detail":[{"loc":["body"],"msg":"m","type":"value_error"}]}', {}],
    [404, '<html>not here</html>', {}],
    [200, '<html>welcome</html>', {}],
    [200, '', {}],
  ];

  it.each(oddAnswers)(
    'polls on after a status request answered with %s %p',
    async (status, body, headers) => {
      let isOdd = true;
      const client = await fal.start({
        [`GET ${requestPath}/status`]: (response) => {
          if (isOdd) response.writeHead(status, headers).end(body);
          else sendJson(response, 200, { status: 'COMPLETED' });
          isOdd = false;
        },
      });
      expect((await runJob(client, falJob, testCall().context)).assets).toHaveLength(1);
      expect(fal.submits()).toHaveLength(1);
    },
  );

  // A 400 or 422 in Fal's own words at the result says that the job failed.
  const oddResults = oddAnswers.filter(([status]) => status !== 400 && status !== 422);
  const oddForever = [
    ...oddAnswers.map((row) => ['/status', ...row] as const),
    ...oddResults.map((row) => ['', ...row] as const),
  ];

  it.each(oddForever)(
    'leaves a job open whose %p is answered with %s %p for ever',
    async (path, status, body, headers) => {
      const client = await fal.start({
        [`GET ${requestPath}${path}`]: (response) => response.writeHead(status, headers).end(body),
      });
      const first = testCall();
      const error = await providerErrorOf(runJob(client, falJob, first.context));
      expect(error).toMatchObject({ certainty: 'accepted', endsJob: false });
      expect(fal.lines()).not.toContain(`PUT ${requestPath}/cancel`);
    },
  );

  it("cancels the job at Fal before it rejects with the caller's reason", async () => {
    const client = await fal.start({
      [`GET ${requestPath}/status`]: inTurn([202, { status: 'IN_PROGRESS' }]),
    });
    const call = testCall();
    const generating = runJob(client, falJob, call.context);
    await call.dispatch.reached('accepted');
    call.abort(new Error('cancelled by the user'));
    await expect(generating).rejects.toThrow('cancelled by the user');
    expect(fal.lines()).toContain(`PUT ${requestPath}/cancel`);
    expect(call.stopped).toMatchObject([{ kind: 'stopped', charge: 'price' }]);
  });

  it.each([
    [404, true],
    [405, true],
    [401, false],
    [403, false],
    [500, false],
  ])('is healthy when an unknown request is answered with %d: %p', async (status, healthy) => {
    const path = '/queue/fal-ai/flux/requests/00000000-0000-0000-0000-000000000000/status';
    const client = await fal.start({ [`GET ${path}`]: inTurn([status, {}]) });
    const { signal } = new AbortController();
    expect(await client.checkHealth({ signal })).toMatchObject({ healthy });
    await fal.close();
    expect(await client.checkHealth({ signal })).toMatchObject({ healthy: false });
  });
});
