import { runJob } from '../../../src/providers/run-job';
import { providerErrorOf, testCall } from '../support/call';
import { resetConnection, sendJson } from '../support/local-server';
import { blackPicture, testPicture } from '../support/pictures';
import { falJob, inTurn, LocalFal, requestPath } from './local-fal';

const fal = new LocalFal();
let picture: Buffer;

beforeAll(async () => {
  picture = await testPicture();
});

afterEach(async () => {
  await fal.close();
});

describe('collecting from Fal', () => {
  it.each(['http://elsewhere.example/a.png', 'data:image/png;base64,AAAA', 'not a url'])(
    'fetches no picture from %p',
    async (url) => {
      const client = await fal.start({ [`GET ${requestPath}`]: inTurn([200, { image: { url } }]) });
      const error = await providerErrorOf(runJob(client, falJob, testCall().context));
      expect(error).toMatchObject({
        failureClass: 'outage',
        code: 'media_host_foreign',
        certainty: 'accepted',
      });
    },
  );

  it('leaves out flagged pictures by their index', async () => {
    const client = await fal.start({
      [`GET ${requestPath}`]: (response) => {
        const images = [{ url: `${fal.url}/files/1.png` }, { url: `${fal.url}/files/2.png` }];
        sendJson(response, 200, { images, has_nsfw_concepts: [true, false] });
      },
    });
    const result = await runJob(client, falJob, testCall().context);
    expect(result.assets).toHaveLength(1);
    expect(fal.lines()).toContain('GET /files/2.png');
    expect(fal.lines()).not.toContain('GET /files/1.png');
  });

  it('calls it policy when every picture is flagged, or black without a flag', async () => {
    const flagged = await fal.start({
      [`GET ${requestPath}`]: (response) => {
        sendJson(response, 200, {
          images: [{ url: `${fal.url}/files/1.png` }],
          has_nsfw_concepts: [true],
        });
      },
    });
    const expected = { failureClass: 'policy', certainty: 'accepted', endsJob: true };
    expect(await providerErrorOf(runJob(flagged, falJob, testCall().context))).toMatchObject(expected);
    expect(fal.lines()).not.toContain('GET /files/1.png');
    await fal.close();

    const black = await blackPicture();
    const unflagged = await fal.start({ 'GET /files/1.png': (response) => response.end(black) });
    expect(await providerErrorOf(runJob(unflagged, falJob, testCall().context))).toMatchObject(expected);
  });

  it.each([{}, { images: [] }, { images: 'x' }, 'text', []])(
    'calls the result %j corrupt',
    async (result) => {
      const client = await fal.start({ [`GET ${requestPath}`]: inTurn([200, result]) });
      const error = await providerErrorOf(runJob(client, falJob, testCall().context));
      expect(error).toMatchObject({ failureClass: 'corrupt', certainty: 'accepted' });
    },
  );

  it('reads why a completed job failed from its result, or from its status when the result is silent', async () => {
    const failed = await fal.start({
      [`GET ${requestPath}`]: inTurn([
        422,
        { detail: [{ loc: ['body', 'prompt'], msg: 'm', type: 'content_policy_violation' }] },
      ]),
    });
    expect(await providerErrorOf(runJob(failed, falJob, testCall().context))).toMatchObject({
      failureClass: 'policy',
    });
    await fal.close();

    const silent = await fal.start({
      [`GET ${requestPath}/status`]: inTurn([
        200,
        { status: 'COMPLETED', error_type: 'runner_disconnected' },
      ]),
      [`GET ${requestPath}`]: inTurn([200, {}]),
    });
    const error = await providerErrorOf(runJob(silent, falJob, testCall().context));
    expect(error).toMatchObject({ failureClass: 'transient', code: 'runner_disconnected' });
  });

  it('downloads once more in the next attempt before the picture is paid again', async () => {
    const client = await fal.start({ 'GET /files/1.png': (response) => response.writeHead(404).end() });
    const first = testCall();
    const error = await providerErrorOf(runJob(client, falJob, first.context));
    const expected = { failureClass: 'transient', code: 'media_unavailable', certainty: 'accepted' };
    expect(error).toMatchObject({ ...expected, endsJob: false });
    const again = await providerErrorOf(
      runJob(client, falJob, testCall({ previous: first.dispatch.state }).context),
    );
    expect(again).toMatchObject({ ...expected, endsJob: true });
    expect(fal.submits()).toHaveLength(1);
  });

  it.each([401, 403, 408, 429, 500, 502, 504])(
    'reads a finished job again after the answer %d of a gateway, however often that comes',
    async (status) => {
      const client = await fal.start({
        [`GET ${requestPath}`]: (response) => response.writeHead(status).end('gateway'),
      });
      const handle = { ...fal.handle(), brokenReads: 1 };
      const call = testCall({ previous: { phase: 'accepted', handle } });
      const error = await providerErrorOf(runJob(client, falJob, call.context));
      expect(error).toMatchObject({ status, certainty: 'accepted', endsJob: false });
      expect(fal.submits()).toEqual([]);
    },
  );

  it('downloads again however often the media host was busy or the connection was lost', async () => {
    const answers = [503, 'reset', 429, 200] as const;
    let next = 0;
    const client = await fal.start({
      'GET /files/1.png': (response) => {
        const answer = answers[next];
        next += 1;
        if (answer === 'reset') resetConnection(response.req.socket);
        else if (answer === 200) response.end(picture);
        else response.writeHead(answer ?? 500).end();
      },
    });
    let { state } = testCall().dispatch;
    for (let failed = 0; failed < 3; failed += 1) {
      const call = testCall({ previous: state });
      const error = await providerErrorOf(runJob(client, falJob, call.context));
      expect(error).toMatchObject({ certainty: 'accepted', endsJob: false });
      ({ state } = call.dispatch);
    }
    const last = await runJob(client, falJob, testCall({ previous: state }).context);
    expect(last.assets).toHaveLength(1);
    expect(fal.submits()).toHaveLength(1);
  });

  it.each([429, 503])(
    'passes on how long a media host that answers %d wants to be left alone',
    async (status) => {
      const client = await fal.start({
        'GET /files/1.png': (response) => response.writeHead(status, { 'retry-after': '7' }).end(),
      });
      const error = await providerErrorOf(runJob(client, falJob, testCall().context));
      expect(error).toMatchObject({ code: 'media_host_busy', status, retryAfterMs: 7000, endsJob: false });
    },
  );

  it('follows no redirect of a picture', async () => {
    const client = await fal.start({
      'GET /files/1.png': (response) => response.writeHead(302, { location: '/files/2.png' }).end(),
    });
    const error = await providerErrorOf(runJob(client, falJob, testCall().context));
    expect(error).toMatchObject({ failureClass: 'outage', code: 'media_redirect' });
  });
});
