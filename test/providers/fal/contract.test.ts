import { runJob } from '../../../src/providers/run-job';
import { testCall } from '../support/call';
import { resetEmulated, startEmulated, type Emulated } from '../support/emulated';
import { modelJob, modelsOf, pictureNote } from '../support/model-job';
import { falWireBodies } from './wire-bodies';

let emulated: Emulated;

beforeAll(async () => {
  emulated = await startEmulated();
});

afterEach(async () => {
  await resetEmulated(emulated);
});

afterAll(async () => {
  await emulated.close();
});

describe('every Fal endpoint of the registry', () => {
  it('has a wire body to be checked against', () => {
    expect(Object.keys(falWireBodies).sort()).toEqual(
      modelsOf('fal')
        .map(([endpoint]) => endpoint)
        .sort(),
    );
  });

  it.each(modelsOf('fal'))(
    '%s is sent its own field names, once, and its picture is stored',
    async (endpoint, model) => {
      const call = testCall();
      const result = await runJob(emulated.fal, await modelJob(model, call.media), call.context);
      const { entries, rejections } = emulated.journal.read();
      expect(rejections).toEqual([]);
      expect(entries).toMatchObject([{ endpoint, outcome: 'succeeded', responseDelivered: true }]);
      expect(entries[0]?.body).toEqual(falWireBodies[endpoint]?.(await pictureNote(0)));
      const { width, height, requestId } = entries[0] ?? {};
      expect(result.assets).toMatchObject([{ mediaType: model.mediaType, width, height }]);
      expect(result.providerRequestId).toBe(requestId);
    },
  );
});
