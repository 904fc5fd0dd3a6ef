import { createS3AssetStore } from '../../src/assets/s3-asset-store';
import { createAssetRecords } from '../../src/db';
import { openTestApi } from './test-api';

// Without any the SDK would look for a cloud's own.
process.env['AWS_ACCESS_KEY_ID'] = 'test';
process.env['AWS_SECRET_ACCESS_KEY'] = 'test';

describe('while nobody listens where the bucket should be', () => {
  it('a download is 503, with a time to try again, and the API is not ready', async () => {
    const options = { bucket: 'pictures', endpoint: 'http://127.0.0.1:1', region: 'us-east-1' };
    const assetStore = createS3AssetStore({ ...options, forcePathStyle: true });
    const api = await openTestApi({}, { assetStore });

    const assetId = 'a'.repeat(64);
    await createAssetRecords(api.database.db).own('default', [assetId]);

    const download = await api.send({ url: `/v1/assets/${assetId}` });
    const ready = await api.send({ url: '/readyz' });
    await api.close();

    expect(download).toMatchObject({ status: 503, body: { code: 'assets_unavailable' } });
    expect(download.headers.get('retry-after')).toBe('5');
    expect(ready).toMatchObject({ status: 503, body: { checks: { assets: { ok: false } } } });
  });
});
