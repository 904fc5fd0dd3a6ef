import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { AssetsUnavailable } from '../../src/assets/assets-unavailable';
import { createS3AssetStore } from '../../src/assets/s3-asset-store';
import { startS3Server, type S3Server } from '../support/s3-server';
import { startSilentServer } from '../support/silent-server';
import { describeAssetStore, stream, type StoreRig } from './asset-store.contract';
import { picture } from './pictures';

/** `S3_TEST_SERVER=versitygw` runs all of it over a production server; it is built once, with Go. */
const serverName = process.env['S3_TEST_SERVER'] === 'versitygw' ? 'versitygw' : 'moto';

let server: S3Server;
let client: S3Client;
let bucket: string;
let temporaryDirectory: string;
const shared = { region: 'us-east-1', forcePathStyle: true };

beforeAll(async () => {
  server = await startS3Server(serverName);
  client = new S3Client({ ...shared, endpoint: server.endpoint });
}, 30 * 60_000);

afterAll(async () => {
  client.destroy();
  await server.close();
});

beforeEach(async () => {
  bucket = `test-${randomUUID()}`;
  await server.createBucket(bucket);
  temporaryDirectory = await mkdtemp(join(tmpdir(), 'ryla-s3-'));
});

afterEach(async () => {
  await rm(temporaryDirectory, { recursive: true, force: true });
});

const rig: StoreRig = {
  open: (maxBytes) =>
    createS3AssetStore({ ...shared, endpoint: server.endpoint, bucket, temporaryDirectory, maxBytes }),
  async everything() {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    const names = [...Contents, ...Uploads].map(({ Key = '' }) => Key);
    return [...names, ...(await readdir(temporaryDirectory))];
  },
};

describe(`the S3 asset store, over ${serverName}`, () => {
  describeAssetStore(() => rig);

  it('says that it cannot be used while its bucket is missing', async () => {
    const options = { ...shared, endpoint: server.endpoint, temporaryDirectory };
    const store = createS3AssetStore({ ...options, bucket: `missing-${randomUUID()}` });

    await expect(store.ready()).rejects.toBeInstanceOf(AssetsUnavailable);
    await expect(store.put(stream(await picture('png')))).rejects.toBeInstanceOf(AssetsUnavailable);
    expect(await readdir(temporaryDirectory)).toEqual([]);
  });

  it('says so within seconds when nobody listens, and when nobody answers', async () => {
    const silent = await startSilentServer();
    for (const [port, silenceMs] of [
      [1, undefined],
      [silent.port, 200],
    ]) {
      const endpoint = `http://127.0.0.1:${String(port)}`;
      const store = createS3AssetStore({ ...shared, endpoint, bucket, temporaryDirectory, silenceMs });
      await expect(store.stat('a'.repeat(64))).rejects.toBeInstanceOf(AssetsUnavailable);
    }
    await silent.close();
  });
});
