import type { ProviderJob } from '../../../src/providers/types';
import { runJob } from '../../../src/providers/run-job';
import { providerErrorOf, testCall } from '../support/call';
import { sendJson, startLocalServer } from '../support/local-server';
import { testPicture } from '../support/pictures';
import { falJob, LocalFal } from './local-fal';

const fal = new LocalFal();
let picture: Buffer;

beforeAll(async () => {
  picture = await testPicture();
});

afterEach(async () => {
  await fal.close();
});

describe('input pictures for Fal', () => {
  it('uploads input pictures before it pays, without its key on the PUT', async () => {
    const call = testCall();
    const client = await fal.start({
      'POST /rest/storage/upload/initiate?storage_type=fal-cdn-v3': (response, { body }) => {
        expect(JSON.parse(body)).toMatchObject({ content_type: 'image/png' });
        sendJson(response, 200, {
          upload_url: `${fal.url}/put/1`,
          file_url: `${fal.url}/files/in.png`,
        });
      },
      'PUT /put/1': (response) => response.end(),
    });
    const input = {
      assetId: call.media.add(picture, 'image/png'),
      mediaType: 'image/png',
      encoding: 'url',
    } as const;
    const inputs: ProviderJob['inputs'] = [
      { ...input, field: 'reference_image_url', shape: 'value' },
      { ...input, field: 'image_urls', shape: 'list' },
      { ...input, field: 'image_urls', shape: 'list' },
      { ...input, field: 'reference_images', shape: 'image-url-objects' },
    ];
    await runJob(client, { ...falJob, inputs }, call.context);
    const put = fal.received.find(({ method }) => method === 'PUT');
    expect(put?.headers).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(picture.length),
    });
    expect(put?.headers.authorization).toBeUndefined();
    const url = `${fal.url}/files/in.png`;
    const submitted = fal.received.find(({ path }) => path === '/queue/fal-ai/flux/dev');
    expect(JSON.parse(submitted?.body ?? '')).toEqual({
      ...falJob.parameters,
      reference_image_url: url,
      image_urls: [url, url],
      reference_images: [{ image_url: url }],
    });
    expect(call.progress[0]).toEqual({ phase: 'uploading' });
  });

  it.each([429, 503])(
    'speaks for the storage alone where that answers %d and wants to be left alone',
    async (status) => {
      const call = testCall();
      const client = await fal.start({
        'POST /rest/storage/upload/initiate?storage_type=fal-cdn-v3': (response) => {
          sendJson(response, 200, { upload_url: `${fal.url}/put/1`, file_url: `${fal.url}/files/in.png` });
        },
        'PUT /put/1': (response) => response.writeHead(status, { 'retry-after': '7' }).end(),
      });
      const assetId = call.media.add(picture, 'image/png');
      const inputs: ProviderJob['inputs'] = [
        { assetId, mediaType: 'image/png', field: 'image_url', encoding: 'url', shape: 'value' },
      ];
      const error = await providerErrorOf(runJob(client, { ...falJob, inputs }, call.context));
      expect(error).toMatchObject({
        code: 'media_host_busy',
        certainty: 'not_sent',
        status,
        retryAfterMs: 7000,
      });
    },
  );

  it.each([
    ['foreign', 200, { failureClass: 'outage', code: 'upload_host_foreign' }],
    ['failing', 500, { failureClass: 'transient', code: 'upload_failed' }],
  ])('pays nothing when the place to upload to is %s', async (place, putStatus, expected) => {
    const call = testCall();
    const foreign = await startLocalServer((_request, response) => response.end());
    const client = await fal.start({
      'POST /rest/storage/upload/initiate?storage_type=fal-cdn-v3': (response) => {
        const host = place === 'foreign' ? foreign.url : fal.url;
        sendJson(response, 200, { upload_url: `${host}/put/1`, file_url: `${fal.url}/files/in.png` });
      },
      'PUT /put/1': (response) => response.writeHead(putStatus).end(),
    });
    const assetId = call.media.add(picture, 'image/png');
    const inputs: ProviderJob['inputs'] = [
      { assetId, mediaType: 'image/png', field: 'image_url', encoding: 'url', shape: 'value' },
    ];
    const error = await providerErrorOf(runJob(client, { ...falJob, inputs }, call.context));
    await foreign.close();
    expect(error).toMatchObject({ ...expected, certainty: 'not_sent' });
    expect(foreign.received).toEqual([]);
    expect(call.dispatch.notes).toEqual([]);
    expect(fal.lines()).not.toContain('POST /queue/fal-ai/flux/dev');
  });
});
